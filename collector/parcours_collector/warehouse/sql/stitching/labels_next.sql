-- One pass of connected components. A label is a node of the same component, so labels form trees that point to lesser nodes. Each pass points
-- every node to its label's label (the trees halve in depth), and for each edge offers each end's label's label to the other end and
-- to the other end's label (trees hook onto lesser trees). Labels only fall; the least node of a component is reached after a number of passes
-- that grows with the logarithm of its diameter. Method: Zhang, Azad and Hu, "FastSV", 2020.
INSERT INTO stitching_labels (work, pass, node, label)
WITH
    labels AS
    (
        SELECT
            node,
            label
        FROM stitching_labels
        WHERE work = {work:UInt64}
          AND pass = {pass:UInt16} - 1
    ),
    grand AS
    (
        SELECT
            labels.node AS node,
            labels.label AS label,
            above.label AS grand_label
        FROM labels
        INNER JOIN labels AS above ON above.node = labels.label
    )
SELECT
    {work:UInt64} AS work,
    {pass:UInt16} AS pass,
    node,
    min(label) AS label
FROM
(
    SELECT
        node,
        grand_label AS label
    FROM grand
    UNION ALL
    SELECT
        offer.1 AS node,
        offer.2 AS label
    FROM
    (
        SELECT
            a,
            b
        FROM stitching_edges
        WHERE work = {work:UInt64}
    ) AS edges
    INNER JOIN grand AS of_a ON of_a.node = edges.a
    INNER JOIN grand AS of_b ON of_b.node = edges.b
    ARRAY JOIN [(edges.a, of_b.grand_label), (of_a.label, of_b.grand_label), (edges.b, of_a.grand_label), (of_b.label, of_a.grand_label)] AS offer
    WHERE of_a.grand_label != of_b.grand_label
)
GROUP BY node
