SELECT DISTINCT toString(name) AS name
FROM touchpoints
WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
UNION DISTINCT
SELECT name
FROM touchpoint_kinds FINAL
WHERE {project:Nullable(String)} IS NULL OR project IN ('', {project:Nullable(String)})
