-- The edges stored since an instant, drawn between the people that their ends belong to now. An edge inside one person says nothing new.
-- Of an identifier that no run has moved the person is itself, so rows of version 0 need not be merged. What grows with the graph is the reading of two columns. Not counted: projects that have a policy, which are judged whole; edges that were cut.
INSERT INTO stitching_edges (work, a, b)
WITH
    fresh AS
    (
        SELECT DISTINCT
            project,
            a,
            b
        FROM identity_edges
        WHERE stored_at >= {since:DateTime64(3, 'UTC')}
          AND NOT has({without:Array(String)}, project)
          AND (project, a, b) NOT IN (SELECT project, a, b FROM identity_cuts FINAL WHERE is_cut)
          AND (project, a) NOT IN (SELECT project, a FROM identity_cuts FINAL WHERE is_cut AND b = 0)
          AND (project, b) NOT IN (SELECT project, a FROM identity_cuts FINAL WHERE is_cut AND b = 0)
    ),
    people AS
    (
        SELECT
            identifier,
            person_id
        FROM identity_persons FINAL
        PREWHERE version > 0
             AND identifier IN (SELECT arrayJoin([a, b]) FROM fresh)
    )
SELECT DISTINCT
    {work:UInt64} AS work,
    least(person_a, person_b) AS a,
    greatest(person_a, person_b) AS b
FROM
(
    SELECT
        if(of_a.person_id = 0, fresh.a, of_a.person_id) AS person_a,
        if(of_b.person_id = 0, fresh.b, of_b.person_id) AS person_b
    FROM fresh
    LEFT JOIN people AS of_a ON of_a.identifier = fresh.a
    LEFT JOIN people AS of_b ON of_b.identifier = fresh.b
)
WHERE person_a != person_b
