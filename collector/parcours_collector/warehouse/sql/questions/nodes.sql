SELECT
    node,
    visits,
    people,
    entries,
    converted,
    lost,
    own_rate,
    conversion_probability,
    reach_probability,
    removal_effect,
    conversion_if_mended,
    base_conversion,
    journeys,
    need,
    valence,
    revenue
FROM nodes(
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
    visits DESC,
    node
LIMIT {limit:UInt64}
