-- What the index still holds of it: a run of the index may have written it anew while it was being deleted.
INSERT INTO journey_index_changes (project, identifier, id, received_at)
SELECT
    project,
    identifier,
    id,
    newest_receipt
FROM journey_index FINAL
ARRAY JOIN
    times AS at_ms,
    ids AS id
WHERE project = {project:String}
  AND at_ms < toUnixTimestamp64Milli({before_at:DateTime64(3, 'UTC')})
