-- As `black_holes(max_nodes, node, groups, collapse, with_value, project, from_at, to_at)`, by its text: what is a view is analysed once more.
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
FROM
(
    /* the query of black_holes */
)
ORDER BY
    expected_conversions DESC,
    lost DESC,
    node
LIMIT {limit:UInt64}
