-- The edges of a pass. Grain: one row an edge.
SELECT
    a,
    b
FROM stitching_edges
WHERE work = {work:UInt64}
  AND pass = {pass:UInt16}
