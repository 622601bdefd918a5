-- The identifiers that join nobody, and why: what stitching leaves out, and whose touchpoints go to people by time slice.
-- Grain: one row an identifier and reason (project, identifier, reason).
-- reason: 'shared', weak or medium and seen with more strong ones than its kind may (max_strong of identity_policy); 'cut', all its evidence was
--   cut (identity_cuts); 'blocked', for its value (identity_blocked).
-- strong: how many strong identifiers it was seen with; NULL where that is not the reason.
CREATE OR REPLACE VIEW identity_apart AS
WITH named AS
    (
        SELECT
            project,
            identifier,
            any(kind) AS kind,
            any(value) AS value
        FROM parcours.identity_persons
        WHERE project IN (SELECT project FROM parcours.identity_policy)
           OR project IN (SELECT project FROM parcours.identity_cuts)
        GROUP BY
            project,
            identifier
    )
SELECT
    named.project AS project,
    named.identifier AS identifier,
    named.kind AS kind,
    named.value AS value,
    apart.reason AS reason,
    apart.strong AS strong
FROM
(
    SELECT
        end.1 AS identifier,
        'shared' AS reason,
        toNullable(uniqExact(end.3)) AS strong
    FROM parcours.identity_edges
    ARRAY JOIN [(a, a_kind, b, b_kind), (b, b_kind, a, a_kind)] AS end
    INNER JOIN (SELECT * FROM parcours.identity_policy FINAL) AS own ON own.project = identity_edges.project AND own.kind = end.2
    INNER JOIN (SELECT * FROM parcours.identity_policy FINAL) AS other ON other.project = identity_edges.project AND other.kind = end.4
    WHERE identity_edges.project IN (SELECT project FROM parcours.identity_policy)
      AND own.max_strong > 0
      AND own.class != 'strong'
      AND other.class = 'strong'
      AND end.3 NOT IN (SELECT identifier FROM parcours.identity_blocked)
    GROUP BY identifier
    HAVING uniqExact(end.3) > any(own.max_strong)
    UNION ALL
    SELECT
        a AS identifier,
        'cut' AS reason,
        NULL AS strong
    FROM parcours.identity_cuts FINAL
    WHERE is_cut
      AND b = 0
    UNION ALL
    SELECT
        identifier,
        'blocked' AS reason,
        NULL AS strong
    FROM parcours.identity_blocked
) AS apart
INNER JOIN named ON named.identifier = apart.identifier
