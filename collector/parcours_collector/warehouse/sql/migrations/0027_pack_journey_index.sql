-- Times packed by their common high bits (T64) are read in half the time that ZSTD takes, from less disk. Words need no codes beside them: they
-- are stored as places in a dictionary, and a question works on each word of that once.
ALTER TABLE journey_index MODIFY COLUMN times Array(Int64) CODEC(T64, LZ4) COMMENT 'occurred_at in milliseconds since 1970';
ALTER TABLE journey_walks MODIFY COLUMN times Array(Int64) CODEC(T64, LZ4);
ALTER TABLE journey_index DROP COLUMN IF EXISTS name_codes, DROP COLUMN IF EXISTS channel_codes;
ALTER TABLE journey_walks DROP COLUMN IF EXISTS name_codes, DROP COLUMN IF EXISTS channel_codes;

-- Reading rows of which one may replace another costs; an engine that has nothing to do for a while makes one part of them.
ALTER TABLE journey_index MODIFY SETTING min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;
ALTER TABLE journey_walks MODIFY SETTING min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;
