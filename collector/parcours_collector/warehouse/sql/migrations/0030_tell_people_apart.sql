-- Whose row of the journey index is a walk as it lies: an identifier that was a person by itself when the row was written, or has no touchpoint left. Two sums tell whether all of
-- these are right; then a question need not look for every identifier among those that belong to somebody.
ALTER TABLE journey_index ADD COLUMN IF NOT EXISTS is_alone UInt8 AFTER newest_receipt;
ALTER TABLE journey_walks ADD COLUMN IF NOT EXISTS entries_hash UInt64 MATERIALIZED arraySum(arrayMap(member -> cityHash64(project, member), members)) AFTER members_hash;
ALTER TABLE journey_walks MATERIALIZE COLUMN entries_hash;
ALTER TABLE journey_index UPDATE is_alone = 1 WHERE (project, identifier) NOT IN (SELECT project, arrayJoin(members) FROM journey_walks FINAL WHERE members_hash != 0) SETTINGS mutations_sync = 1;
