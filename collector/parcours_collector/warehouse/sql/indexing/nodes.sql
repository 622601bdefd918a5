-- Note the names and channels of touchpoints that the given parts of the changes concern, before rows of the journey index hold them.
INSERT INTO journey_nodes (project, name, channel)
SELECT DISTINCT
    project,
    name,
    channel
FROM touchpoints
WHERE (project, UUIDv7ToDateTime(id, 'UTC')) IN (SELECT project, UUIDv7ToDateTime(id, 'UTC') FROM journey_index_changes WHERE _part IN {parts:Array(String)})
  AND (project, name, channel) NOT IN (SELECT project, name, channel FROM journey_nodes)
