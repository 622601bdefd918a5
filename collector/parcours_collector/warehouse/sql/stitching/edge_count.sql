-- How many edges a run works on.
SELECT count() AS edges
FROM stitching_edges
WHERE run = {run:UInt64}
