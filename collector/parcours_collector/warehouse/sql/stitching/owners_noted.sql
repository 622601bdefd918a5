-- Tell the journey index of every touchpoint that has had another owner since a run: where it stands now may be wrong.
INSERT INTO journey_index_changes (project, identifier, id, received_at)
SELECT
    project,
    identifier,
    id,
    received_at
FROM touchpoints
WHERE (project, UUIDv7ToDateTime(id, 'UTC')) IN (SELECT project, UUIDv7ToDateTime(id, 'UTC') FROM touchpoint_owners WHERE version > {after:UInt64})
  AND (project, id) IN (SELECT project, id FROM touchpoint_owners WHERE version > {after:UInt64})
