-- What the sum of entries needs, in a column of its own: a check of the marks reads that alone, and where most rows are alone it is next to nothing.
ALTER TABLE journey_index ADD COLUMN IF NOT EXISTS entry_hash UInt64 MATERIALIZED if(is_alone, 0, cityHash64(project, identifier)) AFTER is_alone;
ALTER TABLE journey_index MATERIALIZE COLUMN entry_hash SETTINGS mutations_sync = 1;
