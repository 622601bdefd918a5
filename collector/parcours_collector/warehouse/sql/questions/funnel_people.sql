-- As `funnel_people(steps, window_seconds, project, channel, from_at, to_at)`, by its text: what is a view is analysed once more.
SELECT
    project,
    person_id,
    entered_at,
    reached,
    seconds_from_previous
FROM
(
    /* the query of funnel_people */
)
ORDER BY
    project,
    entered_at,
    person_id
