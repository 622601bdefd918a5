SELECT
    project,
    a_kind,
    a_value,
    b_kind,
    b_value,
    first_seen_at,
    last_seen_at,
    touchpoints,
    sources
FROM identity_refused
WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
ORDER BY
    project,
    first_seen_at,
    a,
    b
LIMIT {limit:UInt64}
