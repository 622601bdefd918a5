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
    min(person) AS lesser,
    max(person) AS greater
FROM
(
    SELECT
        ends.a AS a,
        ends.b AS b,
        if(people.person_id = 0, ends.identifier, people.person_id) AS person
    FROM
    (
        SELECT
            a,
            b,
            arrayJoin([a, b]) AS identifier
        FROM fresh
    ) AS ends
    LEFT JOIN people ON people.identifier = ends.identifier
)
GROUP BY
    a,
    b
HAVING lesser != greater
