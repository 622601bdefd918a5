SELECT
    role,
    node,
    journeys_before,
    journeys_after,
    rate_before,
    rate_after,
    difference,
    low,
    high,
    toBool(is_clear) AS is_clear
FROM knock_on(
    changed_node = {changed_node:String},
    changed_at = {changed_at:DateTime64(3, 'UTC')},
    next_node = {next_node:Nullable(String)},
    horizon_seconds = {horizon_seconds:Nullable(Float64)},
    min_journeys = {min_journeys:Nullable(UInt64)},
    z = {z:Nullable(Float64)},
    node = {node:Nullable(String)},
    groups = {groups:Nullable(String)},
    collapse = {collapse:Nullable(Bool)},
    project = {project:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
)
ORDER BY
    indexOf(['whole', 'changed', 'later'], role),
    journeys_before + journeys_after DESC,
    node
LIMIT {limit:UInt64}
