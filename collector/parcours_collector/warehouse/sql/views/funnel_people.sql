-- How far every person came in a funnel: the people behind the numbers of `funnel` and `funnel_weekly`.
-- Grain: one row a person who did the first step at least once. Keys: project, person_id.
-- The rule: a person reaches step k when k touchpoints of theirs, each after the one before, carry the names of steps 1 to k in order, and no more
--   than window_seconds (inclusive) lie between the first and the last of them. Other touchpoints may lie between. One touchpoint is one step of
--   an attempt at most; touchpoints of the same instant follow in the order of their ids. Every occurrence of step 1 begins an attempt
--   (re-entry); the furthest attempt counts.
-- reached: the furthest step, 1 to length(steps). entered_at: the first occurrence of step 1.
-- seconds_from_previous: for each reached step, at the first moment it was reached, the time since the step before in that attempt (of several
--   attempts that could reach it then, the one that began last); 0 for step 1.
-- Parameters: steps = names in order (a name may come again); window_seconds. May be left out: project; channel; one_in (only people whose cityHash64 leaves no rest when divided by it); from_at and to_at (every touchpoint
--   considered lies in from_at ≤ occurred_at < to_at).
-- Not counted: touchpoints of nobody (person_id 0).
CREATE OR REPLACE VIEW funnel_people AS
WITH
    least({window_seconds:UInt64}, 1000000000000) * 1000 AS window_ms,
    arrayMap(name -> sipHash64(name), {steps:Array(String)}) AS codes,
    arrayMap(code -> toUInt16(indexOf(codes, code)), codes) AS wanted,
    ifNull(sipHash64({channel:Nullable(String)}), 0) AS channel_wanted,
    ifNull(toUnixTimestamp64Milli({from_at:Nullable(DateTime64(3, 'UTC'))}), -9223372036854775808) AS from_ms,
    ifNull(toUnixTimestamp64Milli({to_at:Nullable(DateTime64(3, 'UTC'))}), 9223372036854775807) AS to_ms,
    -- The touchpoints that a step names, as (milliseconds, the first step of that name), in the order of time.
    walks AS
    (
        SELECT
            project,
            person_id,
            arrayFilter(
                touch -> touch.2 > 0 AND touch.1 >= from_ms AND touch.1 < to_ms,
                arrayZip(times, if(
                    {channel:Nullable(String)} IS NULL,
                    arrayMap(code -> transform(code, codes, wanted, toUInt16(0)), name_codes),
                    arrayMap((code, channel_code) -> if(channel_code = channel_wanted, transform(code, codes, wanted, toUInt16(0)), toUInt16(0)), name_codes, channel_codes)
                ))
            ) AS walk
        FROM parcours.walks_indexed
        WHERE has(name_codes, codes[1])
          AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
          AND (ifNull({one_in:Nullable(UInt32)}, 1) = 1 OR cityHash64(person_id) % greatest(ifNull({one_in:Nullable(UInt32)}, 1), 1) = 0)
    ),
    -- For every step, three milliseconds: when the attempt that reached it and began last began; when that attempt reached it; and the time from
    -- the step before when the step was first reached. -1 = not reached. A touchpoint moves each step from the state before it, so that it
    -- is never two steps of one attempt.
    attempted AS
    (
        SELECT
            project,
            person_id,
            walk[indexOf(walk.2, toUInt16(1))].1 AS entered_ms,
            arrayFold(
                (state, touch) -> arrayMap(
                    (now, before, step, k) -> multiIf(
                        step != touch.2, now,
                        k = 1, (touch.1, touch.1, toInt64(0)),
                        before.1 >= 0 AND before.1 > now.1 AND touch.1 - before.1 <= window_ms, (before.1, touch.1, if(now.3 < 0, touch.1 - before.2, now.3)),
                        now
                    ),
                    state, arrayPushFront(arrayPopBack(state), (toInt64(-1), toInt64(-1), toInt64(-1))), wanted, arrayEnumerate(wanted)
                ),
                walk,
                arrayMap(step -> (toInt64(-1), toInt64(-1), toInt64(-1)), wanted)
            ) AS state
        FROM walks
        WHERE has(walk.2, toUInt16(1))
    )
SELECT
    project,
    person_id,
    fromUnixTimestamp64Milli(entered_ms, 'UTC') AS entered_at,
    arrayCount(step -> step.3 >= 0, state) AS reached,
    arrayMap(step -> step.3 / 1000, arraySlice(state, 1, reached)) AS seconds_from_previous
FROM attempted
