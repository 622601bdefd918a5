-- As `transitions(node, project, from_at, to_at, max_gap_seconds)`, by its text: what is a view is analysed once more.
SELECT
    from_node,
    to_node,
    passages,
    people,
    probability,
    median_seconds
FROM
(
    /* the query of transitions */
)
ORDER BY
    passages DESC,
    from_node,
    to_node
LIMIT {limit:UInt64}
