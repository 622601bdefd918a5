-- The journey index is told first, of every copy: from here on it is right at every moment, whatever of the rows is still there.
INSERT INTO journey_index_changes (project, identifier, id, received_at)
SELECT
    project,
    identifier,
    id,
    received_at
FROM touchpoints
WHERE project = {project:String}
  AND id IN (SELECT id FROM touchpoints WHERE project = {project:String} AND occurred_at < {before_at:DateTime64(3, 'UTC')})
