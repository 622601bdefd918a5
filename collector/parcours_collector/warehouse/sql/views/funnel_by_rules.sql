-- A funnel by declared rules: how many came to each step, were lost there, and how long it took.
-- Grain: one row a step of each breakdown value and period of entry. Keys: breakdown_value, period_at, step (from 1).
-- counted: what the rules count (people, journeys, sessions, values of a property, attempts) that reached the step: the rows of `funnel_attempts` whose step_times has it; in any order,
--   those that did so many steps. people: the persons among them. lost: those that came to this step and no further.
-- conversion_from_previous: counted ÷ counted of the step before that is not optional; conversion_from_start: ÷ counted of step 1; both 1 at step 1, NaN after nobody.
-- avg_seconds, median_seconds: from the step done before; NaN when nobody did. is_complete: with an interval, the last entrants of the period have had their whole window.
-- Parameters and what is not counted: those of `funnel_attempts`. Without breakdown and interval every step has its row, also when nobody entered.
CREATE OR REPLACE VIEW funnel_by_rules AS
SELECT
    breakdown_value,
    period_at,
    is_complete,
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
    SELECT *
    FROM parcours.funnel_counted(
        r = (SELECT r FROM (/* the query of funnel_asked */)),
        project = {project:Nullable(String)},
        from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
        to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
    )
    UNION ALL
    SELECT *
    FROM parcours.funnel_stepped_counted(
        r = (SELECT r FROM (/* the query of funnel_asked */)),
        project = {project:Nullable(String)},
        from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
        to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
    )
)
ORDER BY
    period_at,
    breakdown_value,
    step
