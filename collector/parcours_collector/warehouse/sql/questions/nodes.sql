-- As `nodes(max_nodes, node, groups, collapse, with_value, project, from_at, to_at)`, by its text: what is a view is analysed once more.
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
FROM
(
    /* the query of nodes */
)
ORDER BY
    visits DESC,
    node
LIMIT {limit:UInt64}
