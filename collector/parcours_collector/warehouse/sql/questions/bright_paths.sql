-- As `bright_paths(min_length, max_length, min_journeys, z, node, groups, collapse, project, from_at, to_at)`, by its text: what is a view is analysed once more.
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
FROM
(
    /* the query of bright_paths */
)
ORDER BY
    low DESC,
    journeys DESC,
    path
LIMIT {limit:UInt64}
