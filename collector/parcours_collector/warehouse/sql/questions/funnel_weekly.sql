-- As `funnel_weekly(steps, window_seconds, project, channel, from_at, to_at)`, by its text: what is a view is analysed once more.
SELECT
    week,
    step,
    name,
    people,
    conversion_from_previous,
    conversion_from_start,
    toBool(is_complete) AS is_complete
FROM
(
    /* the query of funnel_weekly */
)
ORDER BY
    week,
    step
