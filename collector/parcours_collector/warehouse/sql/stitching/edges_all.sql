-- Every edge between identifiers: the whole graph, for a rebuild.
INSERT INTO stitching_edges (work, a, b)
SELECT DISTINCT
    {work:UInt64} AS work,
    a,
    b
FROM identity_edges
