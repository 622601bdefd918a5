-- The journey index: every identifier's touchpoints as arrays, in the order of time. One row an identifier once merged (read it FINAL).
-- It is what `touchpoints` says but for the ids that `journey_index_changes` holds; the view `walks_indexed` reads both and is always exact.
-- By identifier, not by person: stitching moves people, and no row here has to follow.
CREATE TABLE IF NOT EXISTS journey_index
(
    project    LowCardinality(String),
    identifier UInt64 COMMENT 'touchpoints.identifier; never 0',
    times      Array(Int64) CODEC(ZSTD(1)) COMMENT 'occurred_at in milliseconds since 1970',
    names      Array(LowCardinality(String)) CODEC(ZSTD(1)),
    channels   Array(LowCardinality(String)) CODEC(ZSTD(1)),
    ids        Array(UUID) CODEC(ZSTD(1)) COMMENT 'read only where walks must be joined or mended',
    newest_receipt DateTime64(6, 'UTC') COMMENT 'no entry was received later: who else may hold an id that is stored again',
    version    UInt64 COMMENT 'microseconds since 1970, and greater than any before'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project, identifier)
SETTINGS index_granularity = 2048;

-- The ids whose place in the index may be wrong: stored, stored again or removed since they were written into it. A part is dropped
-- once all of it is in the index, and parts are never merged, so that a part that was read is a part that can be dropped.
CREATE TABLE IF NOT EXISTS journey_index_changes
(
    project    LowCardinality(String),
    identifier UInt64,
    id         UUID,
    received_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree
ORDER BY (project, identifier)
SETTINGS max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1,
    parts_to_delay_insert = 100000, parts_to_throw_insert = 100000, non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS journey_index_changes_of_touchpoints TO journey_index_changes AS
SELECT
    project,
    identifier,
    id,
    received_at
FROM touchpoints;

-- What is stored already is not in the index yet.
INSERT INTO journey_index_changes (project, identifier, id, received_at)
SELECT
    project,
    identifier,
    id,
    received_at
FROM touchpoints;

-- Who the identifiers of one person are, without reading everybody's.
ALTER TABLE identity_persons ADD INDEX IF NOT EXISTS person_filter person_id TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE identity_persons MATERIALIZE INDEX person_filter;
