SELECT
    project,
    person_id,
    journey_no,
    started_at,
    ended_at,
    outcome,
    touchpoints,
    channels,
    path,
    revenue,
    revenue_by_currency
FROM journeys
WHERE ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
  AND ({from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL OR started_at >= {from_at:Nullable(DateTime64(3, 'UTC'))})
  AND ({to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL OR started_at < {to_at:Nullable(DateTime64(3, 'UTC'))})
ORDER BY
    project,
    started_at,
    person_id,
    journey_no
LIMIT {limit:UInt64}
