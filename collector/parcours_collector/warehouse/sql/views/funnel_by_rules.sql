-- A funnel by declared rules: how many came to each step, were lost there, and how long it took.
-- Grain: one row a step of each breakdown value and period of entry. Keys: breakdown_value, period_at, step (from 1).
-- counted: what the rules count (people, journeys, sessions, values of a property, attempts) that reached the step: the rows of `funnel_attempts` whose step_times has it; in any order,
--   those that did so many steps. people: the persons among them. lost: those that came to this step and no further.
-- conversion_from_previous: counted ÷ counted of the step before that is not optional; conversion_from_start: ÷ counted of step 1; both 1 at step 1, NaN after nobody.
-- avg_seconds, median_seconds: from the step done before; NaN when nobody did. is_complete: with an interval, the last entrants of the period have had their whole window.
-- Parameters and what is not counted: those of `funnel_attempts`. Without breakdown and interval every step has its row, also when nobody entered.
CREATE OR REPLACE VIEW funnel_by_rules AS
WITH
    counted_by_part AS
    (
        SELECT
            breakdown_value,
            period_at,
            max(is_complete) AS is_complete,
            sumForEach(flags) AS counts,
            uniqExactIfForEach(persons, arrayMap((flag, person) -> flag AND person != 0, flags, persons)) AS persons_counted,
            sumForEach(lasts) AS losts,
            avgIfForEach(pauses, flags) AS avgs,
            quantileExactInclusiveIfForEach(0.5)(pauses, flags) AS medians,
            any(names) AS step_names,
            any(optionals) AS optional_steps
        FROM
        (
            SELECT
                breakdown_value,
                period_at,
                is_complete,
                step_names AS names,
                arrayMap(step -> step.optional, steps) AS optionals,
                arrayMap(at -> at IS NOT NULL, arrayResize(step_times, length(step_names), NULL)) AS flags,
                arrayMap(flag -> person_id, flags) AS persons,
                arrayMap(k -> k = reached, arrayEnumerate(step_names)) AS lasts,
                arrayMap(pause -> ifNull(pause, 0), arrayResize(seconds_from_previous, length(step_names), NULL)) AS pauses
            FROM
            (
                /* the query of funnel_attempts */
            ) AS attempts
            CROSS JOIN parcours.funnel_rules(steps = {steps:String}, rules = {rules:Nullable(String)}) AS declared
            UNION ALL
            SELECT
                '',
                NULL,
                NULL,
                step_names,
                arrayMap(step -> step.optional, steps),
                arrayMap(name -> false, step_names),
                arrayMap(name -> toUInt64(0), step_names),
                arrayMap(name -> false, step_names),
                arrayMap(name -> toFloat64(0), step_names)
            FROM parcours.funnel_rules(steps = {steps:String}, rules = {rules:Nullable(String)})
            WHERE breakdown = ''
              AND interval = ''
        )
        GROUP BY
            breakdown_value,
            period_at
    )
SELECT
    breakdown_value,
    period_at,
    is_complete,
    toUInt32(k) AS step,
    name,
    counts[k] AS counted,
    persons_counted[k] AS people,
    losts[k] AS lost,
    if(k = 1, 1, counted / counts[greatest(arrayLastIndex((optional, place) -> place < k AND NOT optional, optional_steps, arrayEnumerate(optional_steps)), 1)]) AS conversion_from_previous,
    if(k = 1, 1, counted / counts[1]) AS conversion_from_start,
    avgs[k] AS avg_seconds,
    if(counted = 0, nan, medians[k]) AS median_seconds
FROM counted_by_part
ARRAY JOIN
    step_names AS name,
    arrayEnumerate(step_names) AS k
ORDER BY
    period_at,
    breakdown_value,
    step
