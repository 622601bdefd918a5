SELECT
    position,
    from_node,
    to_node,
    walks,
    people,
    avg_seconds,
    median_seconds,
    value
FROM path_links(
    transforms = {transforms:Nullable(String)},
    step_limit = {step_limit:Nullable(UInt32)},
    node = {node:Nullable(String)},
    within = {within:Nullable(String)},
    max_gap_seconds = {max_gap_seconds:Nullable(Float64)},
    strip_slash = {strip_slash:Nullable(Bool)},
    groups = {groups:Nullable(String)},
    collapse = {collapse:Nullable(Bool)},
    start_node = {start_node:Nullable(String)},
    end_node = {end_node:Nullable(String)},
    via = {via:Nullable(String)},
    with_value = {with_value:Nullable(Bool)},
    project = {project:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
)
ORDER BY
    position,
    walks DESC,
    from_node,
    to_node
