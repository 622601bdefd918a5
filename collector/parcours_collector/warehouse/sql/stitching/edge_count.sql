-- How many edges a run works on.
SELECT count() AS edges
FROM stitching_edges
WHERE work = {work:UInt64}
