-- As `funnel(steps, window_seconds, project, channel, from_at, to_at)`, by its text: what is a view is analysed once more.
SELECT
    step,
    name,
    people,
    conversion_from_previous,
    conversion_from_start,
    median_seconds
FROM
(
    /* the query of funnel */
)
ORDER BY step
