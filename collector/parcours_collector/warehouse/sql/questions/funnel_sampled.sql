-- As `funnel_sampled(steps, window_seconds, one_in, z, project, channel, from_at, to_at)`, by its text: what is a view is analysed once more.
SELECT
    step,
    name,
    people,
    people_low,
    people_high,
    conversion_from_start,
    conversion_low,
    conversion_high,
    sampled_people
FROM
(
    /* the query of funnel_sampled */
)
ORDER BY step
