-- Pass 0: every node is labelled with the least of itself and its neighbours.
INSERT INTO stitching_labels (work, pass, node, label)
SELECT
    {work:UInt64} AS work,
    0 AS pass,
    node,
    min(least(node, neighbour)) AS label
FROM
(
    SELECT
        end.1 AS node,
        end.2 AS neighbour
    FROM stitching_edges
    ARRAY JOIN [(a, b), (b, a)] AS end
    WHERE work = {work:UInt64}
)
GROUP BY node
