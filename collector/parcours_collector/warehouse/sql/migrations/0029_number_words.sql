-- Words as numbers beside the words: a question compares and groups numbers of 32 bits, as they lie, at a fraction of what words cost. They are hashes and
-- not places in a list, so nothing has to hand them out. Two words of one number are told apart by `journey_nodes`: a question whose words are not alone with their
-- numbers reads the words instead.
ALTER TABLE journey_index ADD COLUMN IF NOT EXISTS name_numbers Array(UInt32) MATERIALIZED arrayMap(name -> toUInt32(sipHash64(name)), names) CODEC(LZ4) AFTER channels;
ALTER TABLE journey_index ADD COLUMN IF NOT EXISTS channel_numbers Array(UInt32) MATERIALIZED arrayMap(channel -> toUInt32(sipHash64(channel)), channels) CODEC(LZ4) AFTER name_numbers;
ALTER TABLE journey_walks ADD COLUMN IF NOT EXISTS name_numbers Array(UInt32) MATERIALIZED arrayMap(name -> toUInt32(sipHash64(name)), names) CODEC(LZ4) AFTER channels;
ALTER TABLE journey_walks ADD COLUMN IF NOT EXISTS channel_numbers Array(UInt32) MATERIALIZED arrayMap(channel -> toUInt32(sipHash64(channel)), channels) CODEC(LZ4) AFTER name_numbers;

-- Every name and channel that the journey index has held together. A run writes them before the rows that hold them.
CREATE TABLE IF NOT EXISTS journey_nodes
(
    project LowCardinality(String),
    name    String,
    channel String
)
ENGINE = ReplacingMergeTree
ORDER BY (project, name, channel)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

INSERT INTO journey_nodes (project, name, channel)
SELECT DISTINCT
    project,
    name,
    channel
FROM touchpoints;

ALTER TABLE journey_index MATERIALIZE COLUMN name_numbers;
ALTER TABLE journey_index MATERIALIZE COLUMN channel_numbers;
ALTER TABLE journey_walks MATERIALIZE COLUMN name_numbers;
ALTER TABLE journey_walks MATERIALIZE COLUMN channel_numbers;
