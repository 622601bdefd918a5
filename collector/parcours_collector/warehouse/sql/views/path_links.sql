-- The links of a Sankey diagram: how many walks went from one node at one place of their path to the next.
-- Grain: one row a link. Keys: position, from_node, to_node. position 1 links the first node of a path to its second.
-- walks: how many; a path makes each link once. people: of how many. avg_seconds, median_seconds: between the two nodes.
-- value: with with_value = 1, the revenue of these walks (in the project's currency), else NULL.
-- Parameters and what is not counted: those of `path_walks`, whose rows are the walks counted here.
CREATE OR REPLACE VIEW path_links AS
SELECT
    link.1 AS position,
    link.2 AS from_node,
    link.3 AS to_node,
    count() AS walks,
    uniqExact(project, person_id) AS people,
    avg(link.4) AS avg_seconds,
    quantileExactInclusive(0.5)(link.4) AS median_seconds,
    sum(revenue) AS value
FROM (
    /* the query of path_walks */
)
ARRAY JOIN arrayZip(arrayEnumerate(arrayPopBack(path)), arrayPopBack(path), arrayPopFront(path), arrayPopFront(seconds_from_previous)) AS link
GROUP BY
    position,
    from_node,
    to_node
ORDER BY
    position,
    walks DESC,
    from_node,
    to_node
