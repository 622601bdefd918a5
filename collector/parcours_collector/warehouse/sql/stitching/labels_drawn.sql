-- One pass of connected components: every node takes the name of the one among itself and its neighbours that a hash, another one at each pass,
-- puts first. Nodes of one name are one node of the next pass. Since the order is drawn anew, a constant part of the nodes goes at each pass, as
-- can be expected whatever the graph's shape. Method: Bögeholz, Brand and Todor, "In-database connected component analysis", 2020.
INSERT INTO stitching_labels (work, pass, node, label)
WITH sipHash64({work:UInt64}, {pass:UInt16}) AS salt
SELECT
    {work:UInt64},
    {pass:UInt16},
    node,
    argMin(first, drawn) AS label
FROM
(
    SELECT
        arrayJoin([a, b]) AS node,
        if(drawn_a < drawn_b, a, b) AS first,
        least(drawn_a, drawn_b) AS drawn
    FROM
    (
        SELECT
            a,
            b,
            intHash64(bitXor(a, salt)) AS drawn_a,
            intHash64(bitXor(b, salt)) AS drawn_b
        FROM stitching_edges
        WHERE work = {work:UInt64}
          AND pass = {pass:UInt16}
    )
)
GROUP BY node
