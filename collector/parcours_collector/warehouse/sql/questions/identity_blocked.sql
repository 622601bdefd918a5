SELECT
    project,
    identifier,
    kind,
    value
FROM identity_blocked
WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
ORDER BY
    project,
    kind,
    value
LIMIT {limit:UInt64}
