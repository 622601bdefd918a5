SELECT
    path,
    journeys,
    people,
    converted,
    conversion_rate,
    low,
    high,
    base_conversion,
    lift,
    toBool(is_bright) AS is_bright
FROM bright_paths(
    min_length = {min_length:Nullable(UInt8)},
    max_length = {max_length:Nullable(UInt8)},
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
    low DESC,
    journeys DESC,
    path
LIMIT {limit:UInt64}
