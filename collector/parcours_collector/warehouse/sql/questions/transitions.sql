SELECT
    from_node,
    to_node,
    passages,
    people,
    probability,
    median_seconds
FROM transitions(
    node = {node:Nullable(String)},
    project = {project:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))},
    max_gap_seconds = {max_gap_seconds:Nullable(UInt64)}
)
ORDER BY
    passages DESC,
    from_node,
    to_node
LIMIT {limit:UInt64}
