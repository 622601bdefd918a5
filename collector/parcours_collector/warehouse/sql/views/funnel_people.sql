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
    length(asked) AS step_count,
    -- A subquery is worked out once; a lambda over constants would be for every row.
    (
        SELECT (
            arrayMap(name -> toUInt16(indexOf(asked, name)), asked),
            arrayMap(name -> toUInt32(sipHash64(name)), asked),
            arrayExists((name, next) -> name = next, arrayPopBack(asked), arrayPopFront(asked)),
            length(arrayDistinct(arrayMap(name -> sipHash64(name) % 4294967296, asked))) = length(arrayDistinct(asked))
        )
    ) AS of_steps,
    of_steps.1 AS wanted,
    of_steps.2 AS asked_numbers,
    of_steps.3 AS repeats,
    -- No two names that are asked have one number, and no other name has theirs.
    of_steps.4 AND (
        SELECT countIf(toUInt32(sipHash64(word)) IN asked_numbers AND word NOT IN asked)
        FROM
        (
            SELECT name AS word
            FROM parcours.journey_nodes
            WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
            UNION ALL
            /* waiting */
            SELECT toString(name) AS word
            FROM parcours.touchpoints
            WHERE (project, UUIDv7ToDateTime(id, 'UTC')) IN (SELECT project, UUIDv7ToDateTime(id, 'UTC') FROM parcours.journey_index_changes)
        )
    ) = 0 AS numbers_differ,
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
            if(
                numbers_differ,
                -- Six names are compared one by one, which the engine compiles; further ones are looked up.
                /* further: */ if(step_count > 6, arrayMap(number -> transform(number, asked_numbers, wanted, toUInt16(0)), name_numbers), /* else: ( */ arrayMap(number -> multiIf(
                    number = asked_numbers[1], toUInt16(1)
                    /* step_2: */ , step_count >= 2 AND number = asked_numbers[2], toUInt16(2) /* else: */
                    /* step_3: */ , step_count >= 3 AND number = asked_numbers[3], toUInt16(3) /* else: */
                    /* step_4: */ , step_count >= 4 AND number = asked_numbers[4], toUInt16(4) /* else: */
                    /* step_5: */ , step_count >= 5 AND number = asked_numbers[5], toUInt16(5) /* else: */
                    /* step_6: */ , step_count >= 6 AND number = asked_numbers[6], toUInt16(6) /* else: */
                    , toUInt16(0)
                ), name_numbers)),
                arrayMap(name -> transform(name, asked, wanted, toUInt16(0)), names)
            ) AS named,
            /* channel: */ if(is_any_channel, identity(named), arrayMap((step, channel) -> if(channel = ifNull({channel:Nullable(String)}, ''), step, toUInt16(0)), named, channels)) /* else: named */ AS of_channel,
            /* bounds: */ if(is_unbounded, identity(of_channel), arrayMap((step, at_ms) -> if(at_ms >= from_ms AND at_ms < to_ms, step, toUInt16(0)), of_channel, times)) /* else: of_channel */ AS all_steps,
            arrayFilter((at_ms, step) -> step > 0, times, all_steps) AS at,
            arrayFilter(step -> step > 0, all_steps) AS steps
        FROM
        (
            /* the rows of walks_indexed */
        )
        WHERE if(numbers_differ, has(name_numbers, asked_numbers[1]), has(names, asked[1]))
          AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
          /* sample: */ AND sample_key <= intDiv(18446744073709551615, greatest(ifNull({one_in:Nullable(UInt32)}, 1), 1)) /* else: */
    ),
    -- Step by step rather than touchpoint by touchpoint: for each touchpoint that reaches the step, when the attempt began that began last of those
    -- that could (`never` for any other touchpoint). What is filled forward is the attempt that the next touchpoint continues: where steps repeat it stands one place back, so that no
    -- touchpoint is two steps of one attempt. Six steps are written out, which takes half the time of the fold that works out further ones.
    came AS
    (
        SELECT
            project,
            person_id,
            at,
            steps,
            /* step_2: */ if(step_count < 2, [], arrayFill(began_ms -> began_ms != never, began_1)) AS gone_1,
            if(step_count < 2, [], arrayMap((at_ms, step, began_ms) -> if(step = /* again: */ wanted[2] /* else: 2 */ AND at_ms - began_ms <= window_ms, began_ms, never), at, steps, /* repeats: */ if(repeats, arrayShiftRight(gone_1, 1, never), gone_1) /* else: gone_1 */)) AS began_2, /* else: */
            /* step_3: */ if(step_count < 3, [], arrayFill(began_ms -> began_ms != never, began_2)) AS gone_2,
            if(step_count < 3, [], arrayMap((at_ms, step, began_ms) -> if(step = /* again: */ wanted[3] /* else: 3 */ AND at_ms - began_ms <= window_ms, began_ms, never), at, steps, /* repeats: */ if(repeats, arrayShiftRight(gone_2, 1, never), gone_2) /* else: gone_2 */)) AS began_3, /* else: */
            /* step_4: */ if(step_count < 4, [], arrayFill(began_ms -> began_ms != never, began_3)) AS gone_3,
            if(step_count < 4, [], arrayMap((at_ms, step, began_ms) -> if(step = /* again: */ wanted[4] /* else: 4 */ AND at_ms - began_ms <= window_ms, began_ms, never), at, steps, /* repeats: */ if(repeats, arrayShiftRight(gone_3, 1, never), gone_3) /* else: gone_3 */)) AS began_4, /* else: */
            /* step_5: */ if(step_count < 5, [], arrayFill(began_ms -> began_ms != never, began_4)) AS gone_4,
            if(step_count < 5, [], arrayMap((at_ms, step, began_ms) -> if(step = /* again: */ wanted[5] /* else: 5 */ AND at_ms - began_ms <= window_ms, began_ms, never), at, steps, /* repeats: */ if(repeats, arrayShiftRight(gone_4, 1, never), gone_4) /* else: gone_4 */)) AS began_5, /* else: */
            /* step_6: */ if(step_count < 6, [], arrayFill(began_ms -> began_ms != never, began_5)) AS gone_5,
            if(step_count < 6, [], arrayMap((at_ms, step, began_ms) -> if(step = /* again: */ wanted[6] /* else: 6 */ AND at_ms - began_ms <= window_ms, began_ms, never), at, steps, /* repeats: */ if(repeats, arrayShiftRight(gone_5, 1, never), gone_5) /* else: gone_5 */)) AS began_6, /* else: */
            /* further: */ if(step_count < 7, [], arrayFill(began_ms -> began_ms != never, began_6)) AS gone_6, /* else: */
            arrayMap((at_ms, step) -> if(step = 1, at_ms, never), at, steps) AS began_1
        FROM walks
        -- Whole walks that hold no first step were left out above.
        WHERE if(is_any_channel AND is_unbounded, true, has(steps, toUInt16(1)))
    ),
    -- The first touchpoint that reaches each step. A query by itself: an alias is repeated wherever it is named.
    placed AS
    (
        SELECT
            /* step_2: */ if(step_count < 2, 0, arrayFirstIndex(began_ms -> began_ms != never, began_2)) AS place_2, /* else: */
            /* step_3: */ if(step_count < 3, 0, arrayFirstIndex(began_ms -> began_ms != never, began_3)) AS place_3, /* else: */
            /* step_4: */ if(step_count < 4, 0, arrayFirstIndex(began_ms -> began_ms != never, began_4)) AS place_4, /* else: */
            /* step_5: */ if(step_count < 5, 0, arrayFirstIndex(began_ms -> began_ms != never, began_5)) AS place_5, /* else: */
            /* step_6: */ if(step_count < 6, 0, arrayFirstIndex(began_ms -> began_ms != never, began_6)) AS place_6, /* else: */
            *
        FROM came
    ),
    -- The time from the step before to that touchpoint, -1 where nothing reaches the step.
    attempted AS
    (
        SELECT
            project,
            person_id,
            at[indexOf(steps, toUInt16(1))] AS entered_ms,
            /* further: */ if(step_count < 7, [], arrayFold(
                (state, step_wanted) -> (
                    arrayMap(
                        (at_ms, step, began_ms) -> if(step = step_wanted AND at_ms - began_ms <= window_ms, began_ms, never),
                        at, steps, if(repeats, arrayShiftRight(state.3, 1, never), state.3)
                    ) AS began,
                    arrayPushBack(state.2, if(
                        arrayFirstIndex(began_ms -> began_ms != never, began) AS place = 0,
                        toInt64(-1),
                        at[place] - at[indexOf(state.1, began[place])]
                    )),
                    arrayFill(began_ms -> began_ms != never, began)
                ),
                arraySlice(wanted, 7),
                (began_6, CAST([], 'Array(Int64)'), gone_6)
            ).2) AS further_ms, /* else: */
            arrayFilter(ms -> ms >= 0, arrayConcat([
                toInt64(0)
                /* step_2: */ , if(place_2 = 0, toInt64(-1), at[place_2] - began_2[place_2]) /* else: */
                /* step_3: */ , if(place_3 = 0, toInt64(-1), at[place_3] - at[indexOf(began_2, began_3[place_3])]) /* else: */
                /* step_4: */ , if(place_4 = 0, toInt64(-1), at[place_4] - at[indexOf(began_3, began_4[place_4])]) /* else: */
                /* step_5: */ , if(place_5 = 0, toInt64(-1), at[place_5] - at[indexOf(began_4, began_5[place_5])]) /* else: */
                /* step_6: */ , if(place_6 = 0, toInt64(-1), at[place_6] - at[indexOf(began_5, began_6[place_6])]) /* else: */
            ]/* further: */, further_ms/* else: */)) AS reached_ms
        FROM placed
    )
SELECT
    project,
    person_id,
    fromUnixTimestamp64Milli(entered_ms, 'UTC') AS entered_at,
    toUInt32(length(reached_ms)) AS reached,
    arrayMap(ms -> ms / 1000, reached_ms) AS seconds_from_previous
FROM attempted
-- Nothing reaches this bound. Below it the engine would work out a condition on what is found here, such as `reached`, from the walks once more.
LIMIT 1000000000000000000
