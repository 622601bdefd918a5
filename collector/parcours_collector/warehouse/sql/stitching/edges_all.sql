-- Every edge of some projects (of all, if none is named) that their policies let join people: the whole graph, for a rebuild.
-- Not counted: edges of an identifier that joins nobody (identity_apart), and those that were cut.
INSERT INTO stitching_edges (work, a, b)
SELECT DISTINCT
    {work:UInt64} AS work,
    a,
    b
FROM identity_edges
WHERE (empty({projects:Array(String)}) OR has({projects:Array(String)}, project))
  AND NOT has({without:Array(String)}, project)
  AND a NOT IN (SELECT identifier FROM identity_apart)
  AND b NOT IN (SELECT identifier FROM identity_apart)
  AND (project, a, b) NOT IN (SELECT project, a, b FROM identity_cuts FINAL WHERE is_cut)
