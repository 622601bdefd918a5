-- The evidence that two identifiers are one person: every touchpoint that carries two identifiers or more joins its least one to each other one
-- (a star: enough to connect them all). One row an edge once merged.
CREATE TABLE IF NOT EXISTS identity_edges
(
    project       LowCardinality(String),
    a             UInt64 COMMENT 'sipHash64(project, a_kind, a_value)',
    b             UInt64,
    a_kind        SimpleAggregateFunction(any, LowCardinality(String)),
    a_value       SimpleAggregateFunction(any, String),
    b_kind        SimpleAggregateFunction(any, LowCardinality(String)),
    b_value       SimpleAggregateFunction(any, String),
    first_seen_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last_seen_at  SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    sources       SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    stored_at     SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'when the warehouse first held it: the watermark of stitching'
)
ENGINE = AggregatingMergeTree
ORDER BY (project, a, b)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS identity_edges_of_touchpoints TO identity_edges AS
WITH
    arraySort(pair -> pair.1, arrayDistinct(arrayFlatten(arrayMap(
        (kind, held) -> arrayMap(v -> (sipHash64(project, kind, v), kind, v), arrayFilter(v -> NOT has(placeholders, v), held)),
        mapKeys(ids), mapValues(ids)
    )))) AS named
SELECT
    project,
    named[1].1 AS a,
    other.1 AS b,
    named[1].2 AS a_kind,
    named[1].3 AS a_value,
    other.2 AS b_kind,
    other.3 AS b_value,
    occurred_at AS first_seen_at,
    occurred_at AS last_seen_at,
    [toString(source)] AS sources,
    now64(3, 'UTC') AS stored_at
FROM touchpoints
ARRAY JOIN arrayPopFront(named) AS other
WHERE length(identifiers) > 1;

-- Which person an identifier belongs to. One row an identifier once merged (read it FINAL): its first touchpoint puts it there as a person of
-- its own (version 0), stitching writes later versions. The person is the least identifier of its connected component.
CREATE TABLE IF NOT EXISTS identity_persons
(
    project    LowCardinality(String),
    identifier UInt64 COMMENT 'sipHash64(project, kind, value)',
    kind       LowCardinality(String),
    value      String,
    person_id  UInt64,
    version    UInt64 COMMENT 'the stitching run that said so; 0 = not stitched yet'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project, identifier)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS identity_persons_of_touchpoints TO identity_persons AS
SELECT
    project,
    sipHash64(project, held.1, held.2) AS identifier,
    held.1 AS kind,
    held.2 AS value,
    sipHash64(project, held.1, held.2) AS person_id,
    0 AS version
FROM touchpoints
ARRAY JOIN arrayFlatten(arrayMap(
    (kind, held) -> arrayMap(v -> (kind, v), arrayFilter(v -> NOT has(placeholders, v), held)),
    mapKeys(ids), mapValues(ids)
)) AS held;

-- The runs of stitching: what each read, how long it took, what it changed.
CREATE TABLE IF NOT EXISTS stitching_runs
(
    run         UInt64 COMMENT 'microseconds since 1970, and greater than any before: the version that it wrote',
    mode        LowCardinality(String) COMMENT 'full or incremental',
    watermark   DateTime64(3, 'UTC') COMMENT 'edges stored before this instant are stitched',
    finished_at DateTime64(3, 'UTC'),
    edges       UInt64,
    passes      UInt16,
    moved       UInt64 COMMENT 'identifiers whose person changed'
)
ENGINE = MergeTree
ORDER BY run;

-- The working tables of a run; a run drops its own partition when it ends.
CREATE TABLE IF NOT EXISTS stitching_edges
(
    work UInt64 COMMENT 'drawn by lot for each run',
    a    UInt64,
    b    UInt64
)
ENGINE = MergeTree
PARTITION BY work
ORDER BY (a, b);

CREATE TABLE IF NOT EXISTS stitching_labels
(
    work  UInt64,
    pass  UInt16,
    node  UInt64,
    label UInt64
)
ENGINE = MergeTree
PARTITION BY work
ORDER BY (pass, node);
