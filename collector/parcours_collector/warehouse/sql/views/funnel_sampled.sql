-- A funnel asked of one in so many people, with the interval in which the whole funnel lies: for the first look at much.
-- Grain: one row a step. Keys: step (from 1).
-- Of whom: people whose sample_key of walks_indexed lies in the first one of one_in parts: the same people in every question, whatever they did.
-- people: the estimate, sampled_people × one_in. people_low, people_high: its score interval with the correction for a finite population (Cochran, Sampling Techniques, ch. 2 and 3).
-- conversion_from_start: of the sample; conversion_low, conversion_high: its Wilson interval. All for z standard deviations, 1.96 (95 %) by default.
-- Parameters: steps and window_seconds as in `funnel_people`. May be left out: one_in (16); z; project, channel, from_at and to_at as there.
-- Not counted: as in `funnel_people`.
CREATE OR REPLACE VIEW funnel_sampled AS
WITH
    ifNull({one_in:Nullable(UInt32)}, 16) AS parts,
    -- Of a finite population the part that is asked is known: the square of z shrinks by what is left out.
    pow(ifNull({z:Nullable(Float64)}, 1.96), 2) * (1 - 1 / parts) AS z2
SELECT
    step,
    name,
    sampled_people * parts AS people,
    floor(greatest(toFloat64(sampled_people), parts * (sampled_people + z2 / 2 - spread))) AS people_low,
    ceil(parts * (sampled_people + z2 / 2 + spread)) AS people_high,
    conversion_from_start,
    if(step = 1, 1, if(sampled_people = 0, 0, (conversion_from_start + z2 / (2 * entered) - rate_spread) / (1 + z2 / entered))) AS conversion_low,
    if(step = 1, 1, (conversion_from_start + z2 / (2 * entered) + rate_spread) / (1 + z2 / entered)) AS conversion_high,
    sampled_people
FROM
(
    SELECT
        step,
        name,
        people AS sampled_people,
        conversion_from_start,
        first_value(people) OVER (ORDER BY step ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS entered,
        sqrt(z2 * (people + z2 / 4)) AS spread,
        sqrt(z2 * (conversion_from_start * (1 - conversion_from_start) / entered + z2 / (4 * entered * entered))) AS rate_spread
    FROM
    (
        /* the query of funnel with one_in = ifNull({one_in:Nullable(UInt32)}, 16) */
    )
    WHERE throwIf(ifNull({one_in:Nullable(UInt32)}, 16) < 1, 'one_in is at least 1') = 0
)
ORDER BY step
