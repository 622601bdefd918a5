-- How many edges a pass works on.
SELECT count() AS edges
FROM stitching_edges
WHERE work = {work:UInt64}
  AND pass = {pass:UInt16}
