-- The edges, with what a judgement needs, of every component that holds more identifiers of a kind (or in all) than its project's policy lets one
-- person have. Grain: one row an edge that joins.
WITH
    labels AS
    (
        SELECT
            node,
            label
        FROM stitching_labels
        WHERE work = {work:UInt64}
          AND pass = {pass:UInt16}
    ),
    limits AS
    (
        SELECT
            project,
            kind,
            max_per_person
        FROM identity_policy FINAL
        WHERE max_per_person > 0
    ),
    held AS
    (
        SELECT
            label,
            project,
            kind_of_limit AS kind,
            count() AS identifiers
        FROM
        (
            SELECT DISTINCT
                project,
                identifier,
                kind
            FROM identity_persons
            WHERE project IN (SELECT project FROM limits)
        ) AS named
        INNER JOIN labels ON labels.node = named.identifier
        ARRAY JOIN [kind, '*'] AS kind_of_limit
        GROUP BY label, project, kind_of_limit
    ),
    conflicted AS
    (
        SELECT label
        FROM held
        INNER JOIN limits ON limits.project = held.project AND limits.kind = held.kind
        WHERE held.identifiers > limits.max_per_person
    ),
    inside AS
    (
        SELECT node
        FROM labels
        WHERE label IN (conflicted)
    )
SELECT
    any(identity_edges.project) AS of_project,
    a,
    b,
    any(identity_edges.a_kind) AS kind_a,
    any(identity_edges.b_kind) AS kind_b,
    toUnixTimestamp64Milli(min(identity_edges.first_seen_at)) AS first_seen_ms
FROM identity_edges
WHERE a IN (inside)
  AND b IN (inside)
  AND (a, b) IN (SELECT a, b FROM stitching_edges WHERE work = {work:UInt64} AND pass = 0)
GROUP BY a, b
