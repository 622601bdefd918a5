-- Who became whom between two instants: the difference of two days' people, and how many touchpoints went with them.
-- Grain: one row a pair of a person before and a person after that share identifiers, where either person has changed. Keys: project, person_before, person_after.
-- change: 'merged', several persons before are one after; 'split', one before is several after; 'regrouped', both; 'renamed', the same identifiers under another number.
-- identifiers: that went from the one to the other. touchpoints: those of these identifiers, as of now.
-- Parameters: from_at and to_at, instants. May be left out: project.
-- An identifier counts as a person of its own before its first move, also where nobody had seen it yet.
-- Not counted: persons whose identifiers and number are the same at both instants; what identity_as_of does not know.
CREATE OR REPLACE VIEW identity_changes AS
WITH
    moved AS
    (
        SELECT
            project,
            identifier,
            argMaxIf(person_id, run, run <= toUnixTimestamp64Micro({from_at:DateTime64(6, 'UTC')})) AS said_before,
            argMaxIf(person_id, run, run <= toUnixTimestamp64Micro({to_at:DateTime64(6, 'UTC')})) AS said_after,
            if(said_before = 0, identifier, said_before) AS person_before,
            if(said_after = 0, identifier, said_after) AS person_after
        FROM parcours.identity_moves
        WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
        GROUP BY
            project,
            identifier
    ),
    -- Whoever gives a person its number may never have been moved.
    everybody AS
    (
        SELECT project, identifier, person_before, person_after FROM moved
        UNION DISTINCT
        SELECT DISTINCT project, person, person, person
        FROM moved
        ARRAY JOIN [person_before, person_after] AS person
        WHERE (project, person) NOT IN (SELECT project, identifier FROM moved)
    ),
    paired AS
    (
        SELECT
            project,
            person_before,
            person_after,
            groupArray(identifier) AS members,
            uniqExact(person_before) OVER (PARTITION BY project, person_after) AS persons_before,
            uniqExact(person_after) OVER (PARTITION BY project, person_before) AS persons_after
        FROM everybody
        GROUP BY
            project,
            person_before,
            person_after
    ),
    touched AS
    (
        SELECT
            project,
            dictGetOrDefault('parcours.owner_of', 'identifier', cityHash64(project, id), identifier) AS owner,
            uniqExact(id) AS touchpoints
        FROM parcours.touchpoints
        WHERE owner IN (SELECT arrayJoin(members) FROM paired WHERE persons_before > 1 OR persons_after > 1 OR person_before != person_after)
        GROUP BY
            project,
            owner
    )
SELECT
    paired.project AS project,
    person_before,
    person_after,
    multiIf(persons_before > 1 AND persons_after > 1, 'regrouped', persons_before > 1, 'merged', persons_after > 1, 'split', 'renamed') AS change,
    length(any(members)) AS identifiers,
    sum(touched.touchpoints) AS touchpoints
FROM
(
    SELECT
        *,
        member
    FROM paired
    ARRAY JOIN members AS member
    WHERE persons_before > 1
       OR persons_after > 1
       OR person_before != person_after
) AS paired
LEFT JOIN touched ON touched.project = paired.project AND touched.owner = paired.member
GROUP BY
    project,
    person_before,
    person_after,
    persons_before,
    persons_after
ORDER BY
    project,
    touchpoints DESC,
    person_before,
    person_after
