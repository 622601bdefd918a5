-- What was recorded. One row a touchpoint; a retry of the same id collapses into the row received first.
--
-- The sort key is a pure function of the event's id, so nothing that may change between two sendings (sent_at, received_at, the
-- corrected time, the collector that took it) can make a second row. Ids of version 7 carry their time: parts lie one after the
-- other in time, and FINAL has little to merge. Other ids sort under 1970 and collapse just the same.
-- The partition follows the time that the sender gave, which a retry repeats.
CREATE TABLE IF NOT EXISTS touchpoints
(
    project            LowCardinality(String),
    source             LowCardinality(String),
    id                 UUID,
    name               LowCardinality(String),
    schema_version     LowCardinality(String),
    channel            LowCardinality(String),
    occurred_at        DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'when it happened, corrected for the clock of the sender',
    client_occurred_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'when it happened, as the sender said',
    sent_at            Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    received_at        DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    ids                Map(LowCardinality(String), Array(String)) CODEC(ZSTD(1)),
    placeholders       Array(String) CODEC(ZSTD(1)) COMMENT 'values in ids that name nobody (null, undefined, …): never stitched',
    context            String CODEC(ZSTD(3)) COMMENT 'JSON',
    properties         String CODEC(ZSTD(3)) COMMENT 'JSON',
    consent            Map(LowCardinality(String), Bool),
    revenue            Nullable(Decimal(18, 4)),
    currency           LowCardinality(String),
    identifiers        Array(UInt64) MATERIALIZED arraySort(arrayDistinct(arrayFlatten(arrayMap(
                           (kind, held) -> arrayMap(v -> sipHash64(project, kind, v), arrayFilter(v -> NOT has(placeholders, v), held)),
                           mapKeys(ids), mapValues(ids)
                       )))) CODEC(ZSTD(1)) COMMENT 'sipHash64(project, kind, value) of every identifier that names somebody, sorted',
    identifier         UInt64 MATERIALIZED if(empty(identifiers), 0, identifiers[1]) CODEC(ZSTD(1)) COMMENT 'the least of identifiers; 0 = nobody is named',
    receipt_order      UInt64 MATERIALIZED bitNot(toUInt64(toUnixTimestamp64Micro(received_at))) CODEC(Delta(8), ZSTD(1)) COMMENT 'greatest for the earliest receipt',
    INDEX occurred_at_range occurred_at TYPE minmax GRANULARITY 1,
    INDEX identifier_filter identifier TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(receipt_order)
PARTITION BY toYYYYMM(client_occurred_at)
PRIMARY KEY (project, UUIDv7ToDateTime(id, 'UTC'))
ORDER BY (project, UUIDv7ToDateTime(id, 'UTC'), id)
-- 0, the engine's default, ignores insert_deduplication_token in silence.
SETTINGS non_replicated_deduplication_window = 10000;

-- What was refused, whole, so that it can be replayed after a fix. One row a refused event; a retry is the same letter.
CREATE TABLE IF NOT EXISTS dead_letters
(
    id          UUID COMMENT 'hash of source and payload',
    project     LowCardinality(String),
    source      LowCardinality(String),
    event_id    String COMMENT 'as the sender wrote it; empty when it had none',
    event_name  String,
    code        LowCardinality(String),
    path        String COMMENT 'JSON pointer to what is wrong',
    detail      String,
    payload     String CODEC(ZSTD(3)) COMMENT 'the whole event as JSON, identifiers hashed',
    received_at DateTime64(6, 'UTC'),
    origin      LowCardinality(String) COMMENT 'intake, import or delivery',
    line        Nullable(UInt64) COMMENT 'line of the imported file',
    replayed_at Nullable(DateTime64(6, 'UTC')) COMMENT 'when a replay of it was accepted',
    row_version UInt64 MATERIALIZED ifNull(toUInt64(toUnixTimestamp64Micro(assumeNotNull(replayed_at))), 0)
)
ENGINE = ReplacingMergeTree(row_version)
ORDER BY (project, id)
SETTINGS non_replicated_deduplication_window = 10000;
