-- How many dead letters of a project wait, of the source and of others.
SELECT
    countIf(source = {source:String}) AS own,
    countIf(source != {source:String}) AS of_others
FROM dead_letters FINAL
WHERE project = {project:String}
  AND replayed_at IS NULL
  AND ({code:Nullable(String)} IS NULL OR code = {code:Nullable(String)})
  AND ({name:Nullable(String)} IS NULL OR event_name = {name:Nullable(String)})
