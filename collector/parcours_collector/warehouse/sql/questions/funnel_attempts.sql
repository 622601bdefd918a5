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
    /* the query of funnel_walked */
)
ORDER BY
    project,
    person_id,
    subject,
    breakdown_value,
    entered_at
LIMIT {limit:UInt64}
