-- How many of some names were recorded and are in the index. One row.
SELECT uniqExact(name) AS recorded
FROM journey_nodes
WHERE name IN {names:Array(String)}
  AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
