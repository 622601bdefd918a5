-- The edges of the next pass: between the names that the ends of this pass's edges have taken. What has become one node has none left.
INSERT INTO stitching_edges (work, pass, a, b)
WITH labels AS
    (
        SELECT
            node,
            label
        FROM stitching_labels
        WHERE work = {work:UInt64}
          AND pass = {pass:UInt16}
    )
SELECT
    {work:UInt64},
    {pass:UInt16} + 1,
    least(of_a.label, of_b.label) AS lesser,
    greatest(of_a.label, of_b.label) AS greater
FROM
(
    SELECT
        a,
        b
    FROM stitching_edges
    WHERE work = {work:UInt64}
      AND pass = {pass:UInt16}
) AS edges
INNER JOIN labels AS of_a ON of_a.node = edges.a
INNER JOIN labels AS of_b ON of_b.node = edges.b
WHERE of_a.label != of_b.label
GROUP BY
    lesser,
    greater
