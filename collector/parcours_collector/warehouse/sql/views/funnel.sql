-- A funnel: ordered steps asked of people.
-- Grain: one row a step. Keys: step (from 1).
-- people: those who reached the step or a further one, by the rule of `funnel_people`; its rows are the people counted here.
-- conversion_from_previous: people ÷ people of the step before; conversion_from_start: people ÷ people of step 1; both 1 at step 1, NaN after nobody.
-- median_seconds: of the time from the step before, over the people who reached the step; NaN when nobody did.
-- Parameters and what is not counted: those of `funnel_people`.
CREATE OR REPLACE VIEW funnel AS
WITH
    {steps:Array(String)} AS names,
    counted AS
    (
        SELECT
            arrayJoin(arrayEnumerate(seconds_from_previous)) AS step,
            count() AS people,
            quantileExactInclusive(0.5)(seconds_from_previous[step]) AS median_seconds
        FROM
        (
            /* the query of funnel_people */
        )
        GROUP BY step
    ),
    every_step AS
    (
        SELECT
            arrayJoin(arrayEnumerate(names)) AS step
        FROM system.one
        WHERE throwIf(empty(names), 'funnel: steps names at least one touchpoint') = 0
    )
SELECT
    toUInt32(every_step.step) AS step,
    names[every_step.step] AS name,
    counted.people AS people,
    if(step = 1, 1, people / lagInFrame(people, 1, people) OVER down) AS conversion_from_previous,
    if(step = 1, 1, people / first_value(people) OVER down) AS conversion_from_start,
    if(people = 0, nan, counted.median_seconds) AS median_seconds
FROM every_step
LEFT JOIN counted ON counted.step = every_step.step
WINDOW down AS (ORDER BY every_step.step ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
ORDER BY step
