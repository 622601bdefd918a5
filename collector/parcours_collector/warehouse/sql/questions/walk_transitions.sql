SELECT
    from_node,
    to_node,
    passages,
    people,
    probability,
    median_seconds,
    value
FROM walk_transitions(
    node = {node:Nullable(String)},
    within = {within:Nullable(String)},
    start_node = {start_node:Nullable(String)},
    end_node = {end_node:Nullable(String)},
    via = {via:Nullable(String)},
    with_value = {with_value:Nullable(Bool)},
    project = {project:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))},
    max_gap_seconds = {max_gap_seconds:Nullable(Float64)}
)
ORDER BY
    passages DESC,
    from_node,
    to_node
LIMIT {limit:UInt64}
