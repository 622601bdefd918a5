SELECT
    count() AS touchpoints,
    uniqExactIf(project, person_id, person_id != 0) AS people,
    uniqExact(project, name) AS kinds,
    uniqExact(channel) AS channels
FROM touchpoints_unique
WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
