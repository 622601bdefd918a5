-- How far every person came in a funnel: the people behind the numbers of `funnel` and `funnel_weekly`.
-- Grain: one row a person who did the first step at least once. Keys: project, person_id.
-- The rule: a person reaches step k when k touchpoints of theirs, each after the one before, carry the names of steps 1 to k in order, and no more
--   than window_seconds (inclusive) lie between the first and the last of them. Other touchpoints may lie between. One touchpoint is one step of
--   an attempt at most; touchpoints of the same instant follow in the order of their ids. Every occurrence of step 1 begins an attempt
--   (re-entry); the furthest attempt counts.
-- reached: the furthest step, 1 to length(steps). entered_at: the first occurrence of step 1.
-- seconds_from_previous: for each reached step, at the first moment it was reached, the time since the step before in that attempt (of several
--   attempts that could reach it then, the one that began last); 0 for step 1.
-- Parameters: steps = names in order (a name may come again); window_seconds. May be left out: project; channel; one_in (only the people whose sample_key of walks_indexed lies in the first one of so many parts); from_at and to_at (every touchpoint
--   considered lies in from_at ≤ occurred_at < to_at).
-- Not counted: touchpoints of nobody (person_id 0).
CREATE OR REPLACE VIEW funnel_people AS
WITH
    least({window_seconds:UInt64}, 1000000000000) * 1000 AS window_ms,
    -- So long ago that no window reaches it.
    toInt64(-4000000000000000000) AS never,
    {steps:Array(String)} AS asked,
    arrayMap(name -> toUInt16(indexOf(asked, name)), asked) AS wanted,
    arrayExists((name, next) -> name = next, arrayPopBack(asked), arrayPopFront(asked)) AS repeats,
    {channel:Nullable(String)} IS NULL AS is_any_channel,
    {from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AND {to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AS is_unbounded,
    ifNull(toUnixTimestamp64Milli({from_at:Nullable(DateTime64(3, 'UTC'))}), -9223372036854775808) AS from_ms,
    ifNull(toUnixTimestamp64Milli({to_at:Nullable(DateTime64(3, 'UTC'))}), 9223372036854775807) AS to_ms,
    -- The touchpoints that a step names: when, and the first step of that name, in the order of time.
    walks AS
    (
        SELECT
            project,
            person_id,
            arrayMap(name -> transform(name, asked, wanted, toUInt16(0)), names) AS named,
            if(is_any_channel, named, arrayMap((step, channel) -> if(channel = ifNull({channel:Nullable(String)}, ''), step, toUInt16(0)), named, channels)) AS of_channel,
            if(is_unbounded, of_channel, arrayMap((step, at_ms) -> if(at_ms >= from_ms AND at_ms < to_ms, step, toUInt16(0)), of_channel, times)) AS all_steps,
            arrayFilter((at_ms, step) -> step > 0, times, all_steps) AS at,
            arrayFilter(step -> step > 0, all_steps) AS steps
        FROM parcours.walks_indexed
        WHERE has(names, asked[1])
          AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
          AND sample_key <= intDiv(18446744073709551615, greatest(ifNull({one_in:Nullable(UInt32)}, 1), 1))
    ),
    -- Step by step rather than touchpoint by touchpoint: for each touchpoint that reaches the step, when the attempt began that began last of those
    -- that could (`never` for any other touchpoint); and the time since the step before, -1 when nothing reaches it. What is filled forward is the
    -- attempt that the next touchpoint continues: it stands one place back, so that no touchpoint is two steps of one attempt.
    attempted AS
    (
        SELECT
            project,
            person_id,
            at[indexOf(steps, toUInt16(1))] AS entered_ms,
            arrayFold(
                (state, step_wanted) -> (
                    arrayMap(
                        (at_ms, step, began_ms) -> if(step = step_wanted AND at_ms - began_ms <= window_ms, began_ms, never),
                        at, steps, if(repeats, arrayPopBack(arrayPushFront(state.3, never)), state.3)
                    ) AS began,
                    arrayPushBack(state.2, if(
                        arrayFirstIndex(began_ms -> began_ms != never, began) AS place = 0,
                        toInt64(-1),
                        at[place] - at[indexOf(state.1, began[place])]
                    )),
                    arrayFill(began_ms -> began_ms != never, began)
                ),
                arrayPopFront(wanted),
                (arrayMap((at_ms, step) -> if(step = 1, at_ms, never), at, steps) AS first, [toInt64(0)], arrayFill(began_ms -> began_ms != never, first))
            ).2 AS every_ms,
            arrayFilter(ms -> ms >= 0, every_ms) AS reached_ms
        FROM walks
        WHERE has(steps, toUInt16(1))
    )
SELECT
    project,
    person_id,
    fromUnixTimestamp64Milli(entered_ms, 'UTC') AS entered_at,
    toUInt32(length(reached_ms)) AS reached,
    arrayMap(ms -> ms / 1000, reached_ms) AS seconds_from_previous
FROM attempted
