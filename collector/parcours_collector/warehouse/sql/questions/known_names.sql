SELECT name
FROM journey_nodes
WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
UNION DISTINCT
SELECT toString(name) AS name
FROM touchpoints
WHERE (project, UUIDv7ToDateTime(id, 'UTC')) IN (SELECT project, UUIDv7ToDateTime(id, 'UTC') FROM journey_index_changes)
  AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
UNION DISTINCT
SELECT name
FROM touchpoint_kinds FINAL
WHERE {project:Nullable(String)} IS NULL OR project IN ('', {project:Nullable(String)})
