-- Write anew the walks of people of several identifiers, of those whose number lies from least to greatest: of those in whom an identifier stands whose row of the journey index
-- was written by this run or a later one; of those who have other identifiers now than their row says; and empty rows for those who are
-- nobody any more. An identifier's person and the hash of the person's identifiers are read together, so that no reload can come between.
INSERT INTO journey_walks (project, person_id, members, members_hash, times, names, channels, version)
WITH
    concerned AS
    (
        SELECT identifier
        FROM journey_index
        WHERE version >= {version:UInt64}
    ),
    people AS
    (
        SELECT
            person_id,
            groupArray(identifier) AS others,
            sum(cityHash64(identifier)) AS members_hash
        FROM dictionary('parcours.person_of')
        WHERE person_id BETWEEN {least:UInt64} AND {greatest:UInt64}
        GROUP BY person_id
    ),
    walks AS
    (
        SELECT
            project,
            person_id,
            members,
            members_hash
        FROM journey_walks FINAL
        WHERE person_id BETWEEN {least:UInt64} AND {greatest:UInt64}
    ),
    stale AS
    (
        SELECT dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier) AS person_id
        FROM concerned
        UNION DISTINCT
        SELECT person_id
        FROM walks
        ARRAY JOIN members AS member
        WHERE member IN (SELECT identifier FROM concerned)
        UNION DISTINCT
        SELECT person_id
        FROM people
        WHERE (person_id, members_hash) NOT IN (SELECT person_id, members_hash FROM walks)
        UNION DISTINCT
        SELECT person_id
        FROM walks
        WHERE members_hash != 0
          AND (person_id, members_hash) NOT IN (SELECT person_id, members_hash FROM people)
    ),
    belonging AS
    (
        SELECT
            identifier,
            person_id,
            members_hash
        FROM people
        ARRAY JOIN arrayPushFront(others, person_id) AS identifier
        WHERE person_id IN (SELECT person_id FROM stale)
    )
SELECT
    project,
    person_id,
    members,
    members_hash,
    arrayMap(step -> step.1, steps) AS times,
    arrayMap(step -> step.3, steps) AS names,
    arrayMap(step -> step.4, steps) AS channels,
    {version:UInt64} AS version
FROM
(
    SELECT
        project,
        person_id,
        groupUniqArrayIf(identifier, is_entry) AS members,
        anyIf(hash, is_entry) AS members_hash,
        arraySort(step -> (step.1, step.2), groupArrayIf((at_ms, id_order, name, channel), is_entry)) AS steps
    FROM
    (
        SELECT
            entries.project AS project,
            belonging.person_id AS person_id,
            entries.identifier AS identifier,
            belonging.members_hash AS hash,
            at_ms,
            id_order,
            name,
            channel,
            true AS is_entry
        FROM
        (
            SELECT
                project,
                identifier,
                at_ms,
                toUInt128(id) AS id_order,
                name,
                channel
            FROM journey_index FINAL
            ARRAY JOIN
                times AS at_ms,
                ids AS id,
                names AS name,
                channels AS channel
            WHERE identifier IN (SELECT identifier FROM belonging)
        ) AS entries
        INNER JOIN belonging ON belonging.identifier = entries.identifier
        UNION ALL
        SELECT
            project,
            person_id,
            0 AS identifier,
            0 AS hash,
            0 AS at_ms,
            0 AS id_order,
            '' AS name,
            '' AS channel,
            false AS is_entry
        FROM walks
        WHERE person_id IN (SELECT person_id FROM stale)
    )
    GROUP BY
        project,
        person_id
)
SETTINGS max_bytes_before_external_group_by = 1000000000
