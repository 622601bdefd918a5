-- Write the owner of every touchpoint whose owner is not what the table says: of projects with a policy or cuts, touchpoints that carry an identifier
-- that joins nobody, or identifiers of several people. The owner is the first of its identifiers that may join, by class and priority of their
-- kinds. A touchpoint that carries none goes by time slice: to the owner that a touchpoint with the same shared identifier had before it, no
-- longer ago than the kind's window (without one: in the same session), else to the one that came next in that session. Where a project
-- calls a kind strong, only strong owners hold a slice. Whatever has no owner is of its least identifier.
INSERT INTO touchpoint_owners (project, id, identifier, version)
WITH
    ruled AS
    (
        SELECT project FROM identity_policy
        UNION DISTINCT
        SELECT project FROM identity_cuts FINAL WHERE is_cut
    ),
    apart AS (SELECT identifier FROM identity_apart),
    blocked AS (SELECT identifier FROM identity_blocked),
    (
        SELECT mapFromArrays(groupArray(concat(project, '\n', kind)), groupArray((toUInt8(class), priority, window_seconds)))
        FROM identity_policy FINAL
    ) AS rule_of,
    (SELECT groupUniqArray(project) FROM identity_policy FINAL WHERE class = 'strong') AS ranking,
    contested AS
    (
        SELECT
            project,
            id,
            toUnixTimestamp64Milli(occurred_at) AS at_ms,
            identifier AS least_one,
            arraySort(arrayFlatten(arrayMap(
                (kind, held) -> arrayMap(
                    (v, rule) -> (if(rule.1 = 0, 2, rule.1), if(rule.1 = 0, 100, rule.2), sipHash64(project, kind, v), rule.3),
                    arrayFilter(v -> NOT has(placeholders, v), held),
                    arrayMap(v -> rule_of[concat(project, '\n', kind)], arrayFilter(v -> NOT has(placeholders, v), held))
                ),
                mapKeys(ids), mapValues(ids)
            ))) AS ranked,
            arrayFilter(one -> one.3 NOT IN (apart), ranked) AS joining,
            arrayFilter(one -> one.3 IN (apart) AND one.3 NOT IN (blocked), ranked) AS shared,
            if(empty(joining), 0, joining[1].3) AS named,
            notEmpty(joining) AND (joining[1].1 = 1 OR NOT has(ranking, project)) AS holds_slice
        FROM touchpoints FINAL
        WHERE project IN (ruled)
          AND identifier != 0
          AND (
              arrayExists(one -> one IN (apart), identifiers)
              OR length(arrayDistinct(arrayMap(one -> dictGetOrDefault('parcours.person_of', 'person_id', one, one), identifiers))) > 1
          )
    ),
    on_devices AS
    (
        SELECT
            *,
            sum(starts_session) OVER so_far AS session
        FROM
        (
            SELECT
                project,
                id,
                toUInt128(id) AS id_order,
                at_ms,
                named,
                if(holds_slice, named, 0) AS seen,
                held.3 AS device,
                held.4 * 1000 AS window_ms,
                place,
                count() OVER before = 1 OR at_ms - lagInFrame(at_ms) OVER before > dictGet('parcours.project_settings', 'session_gap_seconds', project) * 1000 AS starts_session
            FROM contested
            ARRAY JOIN
                shared AS held,
                arrayEnumerate(shared) AS place
            WINDOW before AS (PARTITION BY project, held.3 ORDER BY at_ms, toUInt128(id) ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
        )
        WINDOW so_far AS (PARTITION BY project, device ORDER BY at_ms, id_order ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ),
    sliced AS
    (
        SELECT
            project,
            id,
            argMinIf(slice, place, slice != 0) AS owner
        FROM
        (
            SELECT
                project,
                id,
                place,
                named,
                argMaxIf((seen, at_ms, session), (at_ms, id_order), seen != 0) OVER until AS last,
                argMinIf(seen, (at_ms, id_order), seen != 0) OVER from_then AS next,
                last.1 != 0 AND if(window_ms = 0, last.3 = session, at_ms - last.2 <= window_ms) AS is_in_slice,
                if(is_in_slice, last.1, next) AS slice
            FROM on_devices
            WINDOW
                until AS (PARTITION BY project, device ORDER BY at_ms, id_order ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
                from_then AS (PARTITION BY project, device, session ORDER BY at_ms DESC, id_order DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
        )
        WHERE named = 0
        GROUP BY
            project,
            id
    )
SELECT
    project,
    id,
    anyIf(identifier, is_new) AS owner,
    {run:UInt64} AS version
FROM
(
    SELECT
        project,
        id,
        named AS identifier,
        true AS is_new
    FROM contested
    WHERE named != 0
      AND named != least_one
    UNION ALL
    SELECT
        project,
        id,
        owner AS identifier,
        true AS is_new
    FROM sliced
    WHERE owner != 0
    UNION ALL
    SELECT
        project,
        id,
        identifier,
        false AS is_new
    FROM touchpoint_owners FINAL
    WHERE identifier != 0
)
GROUP BY
    project,
    id
HAVING owner != anyIf(identifier, NOT is_new)
