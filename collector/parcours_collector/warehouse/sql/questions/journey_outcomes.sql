SELECT
    outcome,
    count() AS journeys,
    uniqExact(project, person_id) AS people,
    countIf(journey_no > 1) AS re_entries,
    avg(touchpoints) AS mean_touchpoints,
    avg(length(channels)) AS mean_channels
FROM journeys
WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
GROUP BY outcome
ORDER BY journeys DESC
