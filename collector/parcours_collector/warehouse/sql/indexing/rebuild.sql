-- Write the rows of every identifier from least to greatest from `touchpoints` alone. An identifier that has no touchpoint left gets an empty row.
INSERT INTO journey_index (project, identifier, times, names, channels, ids, newest_receipt, is_alone, version)
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
        AND identifier NOT IN (SELECT person_id FROM dictionary('parcours.person_of') WHERE person_id BETWEEN {least:UInt64} AND {greatest:UInt64}) AS is_alone,
    {version:UInt64} AS version
FROM
(
    SELECT
        project,
        owner AS identifier,
        arraySort(step -> (step.1, step.2), groupArrayIf((at_ms, toUInt128(id), name, channel, id), is_entry)) AS steps,
        max(receipt) AS newest_receipt
    FROM
    (
        SELECT
            project,
            dictGetOrDefault('parcours.owner_of', 'identifier', cityHash64(project, id), identifier) AS owner,
            toUnixTimestamp64Milli(occurred_at) AS at_ms,
            id,
            name,
            channel,
            received_at AS receipt,
            true AS is_entry
        FROM touchpoints FINAL
        WHERE identifier != 0
          AND owner BETWEEN {least:UInt64} AND {greatest:UInt64}
        UNION ALL
        SELECT
            project,
            identifier AS owner,
            0 AS at_ms,
            toUUID('00000000-0000-0000-0000-000000000000') AS id,
            '' AS name,
            '' AS channel,
            toDateTime64(0, 6, 'UTC') AS receipt,
            false AS is_entry
        FROM journey_index
        WHERE identifier BETWEEN {least:UInt64} AND {greatest:UInt64}
    )
    GROUP BY
        project,
        owner
)
SETTINGS max_bytes_before_external_group_by = 1000000000
