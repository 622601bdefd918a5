SELECT
    project,
    person_id,
    walk_no,
    times,
    nodes,
    began_ms,
    ended_ms,
    outcome,
    revenue
FROM node_walks(
    node = {node:Nullable(String)},
    within = {within:Nullable(String)},
    max_gap_seconds = {max_gap_seconds:Nullable(Float64)},
    strip_slash = {strip_slash:Nullable(Bool)},
    groups = {groups:Nullable(String)},
    collapse = {collapse:Nullable(Bool)},
    start_node = {start_node:Nullable(String)},
    end_node = {end_node:Nullable(String)},
    via = {via:Nullable(String)},
    without_conversion = {without_conversion:Nullable(Bool)},
    with_empty = {with_empty:Nullable(Bool)},
    with_value = {with_value:Nullable(Bool)},
    project = {project:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
)
ORDER BY
    project,
    person_id,
    walk_no
LIMIT {limit:UInt64}
