-- As `funnel_by_rules(steps, rules, …)`: r is what `funnel_asked` makes of steps and rules.
SELECT
    breakdown_value,
    period_at,
    toBool(is_complete) AS is_complete,
    step,
    name,
    counted,
    people,
    lost,
    conversion_from_previous,
    conversion_from_start,
    avg_seconds,
    median_seconds
FROM
(
    /* general */
    SELECT *
    FROM
    (
        /* the query of funnel_counted */
    )
    UNION ALL
    /* alike */
    SELECT *
    FROM
    (
        /* the query of funnel_alike_counted with needs_ids = false */
    )
    UNION ALL
    /* stepped */
    SELECT *
    FROM
    (
        /* the query of funnel_stepped_counted */
    )
)
ORDER BY
    period_at,
    breakdown_value,
    step
