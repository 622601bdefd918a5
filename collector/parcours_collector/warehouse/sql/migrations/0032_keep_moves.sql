-- The moves of the network as they were told when nothing waited: while the walks are the same, they are read instead of told again. Each keeping is a partition of its own.
CREATE TABLE IF NOT EXISTS journey_moves
(
    run            UInt64 COMMENT 'of keeping, drawn by lot',
    walks_hash     UInt64 COMMENT 'of the walks that make these moves: the sum of a hash of each row of the index, by its version',
    node           LowCardinality(String) COMMENT 'what a node is, as in transitions; empty = the row that says how many others there are (passages)',
    project        LowCardinality(String),
    is_of_all      UInt8 COMMENT 'of all projects together; project is empty then',
    from_node      String,
    to_node        String,
    passages       UInt64,
    people         UInt64,
    median_seconds Float64
)
ENGINE = MergeTree
PARTITION BY run
ORDER BY (node, is_of_all, project, from_node, to_node)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
