SELECT
    node,
    visits,
    lost,
    lost_share,
    lost_value,
    conversion_probability,
    expected_conversions,
    conversion_if_mended,
    base_conversion
FROM black_holes(
    max_nodes = {max_nodes:Nullable(UInt16)},
    node = {node:Nullable(String)},
    groups = {groups:Nullable(String)},
    collapse = {collapse:Nullable(Bool)},
    with_value = {with_value:Nullable(Bool)},
    project = {project:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
)
ORDER BY
    expected_conversions DESC,
    lost DESC,
    node
LIMIT {limit:UInt64}
