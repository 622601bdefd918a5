SELECT
    project,
    kind,
    value,
    reason,
    strong
FROM identity_apart
WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
ORDER BY
    project,
    kind,
    value,
    reason
