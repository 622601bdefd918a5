-- Write anew the rows of every identifier that the given parts of the changes concern: its entries but for the ids that changed,
-- and these as `touchpoints` has them now. An identifier that has no entry left gets an empty row.
INSERT INTO journey_index (project, identifier, times, names, channels, ids, newest_receipt, is_alone, version)
WITH
    changed AS
    (
        SELECT
            project,
            identifier,
            id,
            received_at
        FROM journey_index_changes
        WHERE _part IN {parts:Array(String)}
    ),
    mended AS
    (
        SELECT
            project,
            dictGetOrDefault('parcours.owner_of', 'identifier', cityHash64(project, id), identifier) AS identifier,
            id
        FROM touchpoints
        WHERE (project, UUIDv7ToDateTime(id, 'UTC')) IN (SELECT project, UUIDv7ToDateTime(id, 'UTC') FROM changed)
          AND (project, id) IN (SELECT project, id FROM changed)
    ),
    -- Whoever else holds one of these ids: it lost to an earlier receipt, and its own row may be merged away.
    displaced AS
    (
        SELECT
            project,
            identifier
        FROM journey_index
        ARRAY JOIN ids AS id
        WHERE newest_receipt >= (SELECT min(received_at) FROM changed)
          AND (project, id) IN (SELECT project, id FROM changed)
    ),
    concerned AS
    (
        SELECT project, identifier FROM changed WHERE identifier != 0
        UNION DISTINCT
        SELECT project, identifier FROM mended WHERE identifier != 0
        UNION DISTINCT
        SELECT project, identifier FROM displaced
    )
SELECT
    project,
    identifier,
    arrayMap(step -> step.1, steps) AS times,
    arrayMap(step -> step.3, steps) AS names,
    arrayMap(step -> step.4, steps) AS channels,
    arrayMap(step -> step.5, steps) AS ids,
    newest_receipt,
    empty(steps)
        OR NOT dictHas('parcours.person_of', identifier)
        AND identifier NOT IN (SELECT person_id FROM dictionary('parcours.person_of') WHERE person_id IN (SELECT identifier FROM concerned)) AS is_alone,
    {version:UInt64} AS version
FROM
(
    SELECT
        project,
        identifier,
        arraySort(step -> (step.1, step.2), groupArrayIf((at_ms, toUInt128(id), name, channel, id), is_entry)) AS steps,
        max(receipt) AS newest_receipt
    FROM
    (
        SELECT
            project,
            identifier,
            at_ms,
            id,
            name,
            channel,
            newest_receipt AS receipt,
            true AS is_entry
        FROM journey_index FINAL
        ARRAY JOIN
            times AS at_ms,
            ids AS id,
            names AS name,
            channels AS channel
        WHERE (project, identifier) IN (SELECT project, identifier FROM concerned)
          AND (project, id) NOT IN (SELECT project, id FROM changed)
        UNION ALL
        SELECT
            project,
            dictGetOrDefault('parcours.owner_of', 'identifier', cityHash64(project, id), identifier) AS identifier,
            toUnixTimestamp64Milli(occurred_at) AS at_ms,
            id,
            name,
            channel,
            received_at AS receipt,
            true AS is_entry
        FROM touchpoints FINAL
        WHERE (project, UUIDv7ToDateTime(id, 'UTC')) IN (SELECT project, UUIDv7ToDateTime(id, 'UTC') FROM changed)
          AND (project, id) IN (SELECT project, id FROM changed)
          AND identifier != 0
        UNION ALL
        SELECT
            project,
            identifier,
            0 AS at_ms,
            toUUID('00000000-0000-0000-0000-000000000000') AS id,
            '' AS name,
            '' AS channel,
            toDateTime64(0, 6, 'UTC') AS receipt,
            false AS is_entry
        FROM concerned
    )
    GROUP BY
        project,
        identifier
)
SETTINGS max_bytes_before_external_group_by = 1000000000
