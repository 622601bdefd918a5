-- A funnel week by week, by the week in which each person entered it (ISO weeks, Monday, UTC).
-- Grain: one row a week and step. Keys: week, step (from 1). Weeks in which nobody entered have no rows.
-- The people of all weeks add up to the people of `funnel`: a person is counted in the week of their first occurrence of step 1 only.
-- is_complete: the window of whoever entered last in this week was over before to_at and now, so that the week's rates will not rise by waiting.
-- Parameters and what is not counted: those of `funnel_people`.
CREATE OR REPLACE VIEW funnel_weekly AS
WITH
    {steps:Array(String)} AS names,
    entered AS
    (
        SELECT
            toMonday(entered_at) AS week,
            reached
        FROM
        (
            /* the query of funnel_people */
        )
    ),
    counted AS
    (
        SELECT
            week,
            arrayJoin(arrayEnumerate(names)) AS step,
            countIf(reached >= step) AS people
        FROM entered
        GROUP BY
            week,
            step
    )
SELECT
    week,
    toUInt32(counted.step) AS step,
    names[counted.step] AS name,
    people,
    if(step = 1, 1, people / lagInFrame(people, 1, people) OVER down) AS conversion_from_previous,
    if(step = 1, 1, people / first_value(people) OVER down) AS conversion_from_start,
    toDateTime64(week, 3, 'UTC') + toIntervalDay(7) + toIntervalMillisecond(least({window_seconds:UInt64}, 1000000000000) * 1000) <= least(now64(3, 'UTC'), ifNull({to_at:Nullable(DateTime64(3, 'UTC'))}, now64(3, 'UTC'))) AS is_complete
FROM counted
WHERE (SELECT throwIf(empty({steps:Array(String)}), 'funnel: steps names at least one touchpoint')) = 0
WINDOW down AS (PARTITION BY week ORDER BY counted.step ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
ORDER BY
    week,
    step
