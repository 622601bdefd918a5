-- As `funnel_attempts(steps, rules, …)`: r is what `funnel_asked` makes of steps and rules.
SELECT
    project,
    person_id,
    subject,
    breakdown_value,
    period_at,
    toBool(is_complete) AS is_complete,
    entered_at,
    reached,
    step_times,
    seconds_from_previous,
    touchpoint_ids
FROM
(
    /* general */
    SELECT *
    FROM
    (
        /* the query of funnel_walked */
    )
    UNION ALL
    /* stepped */
    SELECT
        project,
        person_id,
        '' AS subject,
        breakdown_value,
        CAST(NULL, 'Nullable(DateTime64(3, \'UTC\'))') AS period_at,
        CAST(NULL, 'Nullable(Bool)') AS is_complete,
        fromUnixTimestamp64Milli(times_taken[1], 'UTC') AS entered_at,
        reached,
        arrayMap(at_ms -> fromUnixTimestamp64Milli(at_ms, 'UTC'), times_taken) AS step_times,
        arrayMap(pause_ms -> greatest(pause_ms, 0) / 1000, arrayDifference(times_taken)) AS seconds_from_previous,
        arrayMap(id -> reinterpretAsUUID(bitOr(bitShiftLeft(id, 64), bitShiftRight(id, 64))), ids_taken) AS touchpoint_ids
    FROM
    (
        /* the query of funnel_stepped with needs_ids = true */
    )
)
ORDER BY
    project,
    person_id,
    subject,
    breakdown_value,
    entered_at
LIMIT {limit:UInt64}
