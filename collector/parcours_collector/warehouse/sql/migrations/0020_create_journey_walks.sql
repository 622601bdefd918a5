-- Names and channels as numbers beside the words: a question compares and groups numbers, and looks the words up at its end.
ALTER TABLE journey_index ADD COLUMN IF NOT EXISTS name_codes Array(UInt64) MATERIALIZED arrayMap(name -> sipHash64(name), names) CODEC(ZSTD(1)) AFTER channels;
ALTER TABLE journey_index ADD COLUMN IF NOT EXISTS channel_codes Array(UInt64) MATERIALIZED arrayMap(channel -> sipHash64(channel), channels) CODEC(ZSTD(1)) AFTER name_codes;
ALTER TABLE journey_index MATERIALIZE COLUMN name_codes;
ALTER TABLE journey_index MATERIALIZE COLUMN channel_codes;

-- The walks of people who have several identifiers, gathered from the journey index. One row a person once merged (read it FINAL).
-- A row is right as long as the person has the same identifiers (members_hash) and none of them has a change waiting; the view `walks_indexed` asks
-- both, and gathers everybody else anew. So no stitching has to write here, and a row that nobody may read does no harm.
CREATE TABLE IF NOT EXISTS journey_walks
(
    project       LowCardinality(String),
    person_id     UInt64,
    members       Array(UInt64) CODEC(ZSTD(1)) COMMENT 'the identifiers whose touchpoints are in it',
    members_hash  UInt64 COMMENT 'sum of cityHash64 of the identifiers of the person but the one that it is named after; 0 = nobody any more',
    times         Array(Int64) CODEC(ZSTD(1)),
    names         Array(LowCardinality(String)) CODEC(ZSTD(1)),
    channels      Array(LowCardinality(String)) CODEC(ZSTD(1)),
    name_codes    Array(UInt64) MATERIALIZED arrayMap(name -> sipHash64(name), names) CODEC(ZSTD(1)),
    channel_codes Array(UInt64) MATERIALIZED arrayMap(channel -> sipHash64(channel), channels) CODEC(ZSTD(1)),
    version       UInt64 COMMENT 'of the run that wrote it, as in journey_index'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project, person_id)
SETTINGS index_granularity = 2048;
