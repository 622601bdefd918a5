-- A new version of each letter, which replaces the one that waits.
INSERT INTO dead_letters (id, project, source, event_id, event_name, code, path, detail, payload, received_at, origin, line, replayed_at)
SELECT id, project, source, event_id, event_name, code, path, detail, payload, received_at, origin, line, now64(6, 'UTC')
FROM dead_letters FINAL
WHERE project = {project:String}
  AND id IN {ids:Array(UUID)}
  AND replayed_at IS NULL
