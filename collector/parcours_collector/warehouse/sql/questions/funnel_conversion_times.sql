-- As `funnel_conversion_times(steps, rules, …)`: r is what `funnel_asked` makes of steps and rules.
SELECT
    from_seconds,
    to_seconds,
    counted
FROM
(
    /* the query of funnel_times_counted */
)
ORDER BY from_seconds
