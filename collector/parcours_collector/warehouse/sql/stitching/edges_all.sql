-- Every edge between identifiers: the whole graph, for a rebuild.
INSERT INTO stitching_edges (run, a, b)
SELECT DISTINCT
    {run:UInt64} AS run,
    a,
    b
FROM identity_edges
