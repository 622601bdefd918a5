-- What somebody has said is not one person: evidence that is not heard. The evidence stays; taking the cut back joins what it had joined.
CREATE TABLE IF NOT EXISTS identity_cuts
(
    project    LowCardinality(String),
    a          UInt64 COMMENT 'sipHash64(project, a_kind, a_value)',
    b          UInt64 COMMENT 'greater than a; 0 = all evidence of a',
    a_kind     LowCardinality(String),
    a_value    String,
    b_kind     LowCardinality(String),
    b_value    String,
    is_cut     Bool DEFAULT true COMMENT 'false once it was taken back',
    reason     String,
    changed_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY (project, a, b);

-- Every word of every run of stitching, so that it can be told who was who at an earlier time. One row an identifier that a run moved.
CREATE TABLE IF NOT EXISTS identity_moves
(
    project    LowCardinality(String),
    identifier UInt64,
    run        UInt64 COMMENT 'microseconds since 1970, as in stitching_runs',
    person_id  UInt64 COMMENT 'whose it was from this run on'
)
ENGINE = MergeTree
ORDER BY (project, identifier, run);

INSERT INTO identity_moves (project, identifier, run, person_id)
SELECT
    project,
    identifier,
    version,
    person_id
FROM identity_persons FINAL
WHERE version > 0;
