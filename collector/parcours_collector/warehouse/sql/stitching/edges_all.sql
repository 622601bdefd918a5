-- Every edge of some projects (of all, if none is named) that their policies let join people: the whole graph, for a rebuild.
-- Not counted: edges of a blocked value, of a shared identifier (weak or medium, seen with more strong ones than its kind may), and those that were cut.
INSERT INTO stitching_edges (work, a, b)
WITH shared AS
    (
        SELECT end.1 AS identifier
        FROM identity_edges
        ARRAY JOIN [(a, a_kind, b, b_kind), (b, b_kind, a, a_kind)] AS end
        INNER JOIN (SELECT * FROM identity_policy FINAL) AS own ON own.project = identity_edges.project AND own.kind = end.2
        INNER JOIN (SELECT * FROM identity_policy FINAL) AS other ON other.project = identity_edges.project AND other.kind = end.4
        WHERE identity_edges.project IN (SELECT project FROM identity_policy)
          AND own.max_strong > 0
          AND own.class != 'strong'
          AND other.class = 'strong'
          AND end.3 NOT IN (SELECT identifier FROM identity_blocked)
        GROUP BY identifier
        HAVING uniqExact(end.3) > any(own.max_strong)
    )
SELECT DISTINCT
    {work:UInt64} AS work,
    a,
    b
FROM identity_edges
WHERE (empty({projects:Array(String)}) OR has({projects:Array(String)}, project))
  AND NOT has({without:Array(String)}, project)
  AND a NOT IN (SELECT identifier FROM identity_blocked)
  AND b NOT IN (SELECT identifier FROM identity_blocked)
  AND a NOT IN (SELECT identifier FROM shared)
  AND b NOT IN (SELECT identifier FROM shared)
  AND (project, a, b) NOT IN (SELECT project, a, b FROM identity_cuts FINAL WHERE is_cut)
  AND (project, a) NOT IN (SELECT project, a FROM identity_cuts FINAL WHERE is_cut AND b = 0)
  AND (project, b) NOT IN (SELECT project, a FROM identity_cuts FINAL WHERE is_cut AND b = 0)
