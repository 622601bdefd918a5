-- Walks of a funnel by plain rules that are alike: who did the same steps and exclusions in the same order, with the same of them at one instant and the same pauses beyond every bound, comes
--   equally far by the same touchpoints. `funnel_stepped_counted` has `funnel_stepped` go through one of them; millions of people are some thousands of walks.
-- Grain: one row for all that are alike; one for a walk whose touchpoints lie beyond one bound of the rules and within another. Keys: breakdown_value.value, flags, breakdown_value.times.
-- at, flags: as in `funnel_walks_cut`, those of one of them, from the first step to the last further one. breakdown_value: value, as there; people: how many they are; times: at of each of them, one after the other.
-- project, person_id, ids: '', 0 and none.
-- Parameters: those of `funnel_walks_cut`.
-- Not counted: as there, and walks without the first step.
CREATE OR REPLACE VIEW funnel_walks_alike AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)} AS r,
    tupleElement(r, 'window_ms') AS window_ms,
    tupleElement(r, 'grace_ms') AS grace_ms,
    tupleElement(r, 'ties_any') AS ties_any,
    notEmpty(tupleElement(r, 'barred')) AND tupleElement(r, 'drops_person') AS drops_person,
    least(window_ms, arrayMin(tupleElement(r, 'withins_ms'))) AS least_ms,
    compared AS
    (
        SELECT
            breakdown_value,
            at,
            arrayDifference(at) AS pauses_ms,
            -- The pass asks of two touchpoints whether they are of one instant, or lie within the grace, the time for a step, the window. Between pauses longer than the window all must lie
            --   within the least of these bounds, and no pause within the grace but none: then flags and pauses tell all the answers. Any other walk has its person behind a mark beside them.
            --   Of short walks, which millions share, one in thirty-two stands together: the engine keeps no list on disk that is longer than sixteen million.
            arrayConcat(
                arrayMap((flag, pause_ms) -> toUInt16(flag + if(pause_ms = 0, 4096, 0) + if(pause_ms > window_ms, 8192, 0)), flags, pauses_ms),
                if(
                    (
                        at[-1] - at[1] <= least_ms
                        OR arrayAll((at_ms, begin_ms) -> at_ms - begin_ms <= least_ms, at, arrayFill((at_ms, pause_ms) -> pause_ms > window_ms, at, pauses_ms))
                    ) AND (
                        grace_ms = 0
                        OR NOT arrayExists(pause_ms -> pause_ms > 0 AND pause_ms <= grace_ms, pauses_ms)
                    ),
                    if(length(at) > 3, [], [toUInt16(16384 + person_id % 32)]),
                    arrayPushFront(arrayMap(k -> toUInt16(bitShiftRight(person_id, 16 * k)), range(4)), toUInt16(65535))
                )
            ) AS alike
        FROM
        (
            -- Before the first step nobody waits, and after the last of the further ones nobody goes on; what may go any way round with one of these stays. An exclusion that drops the person
            --   does so at any time, unless another attempt begins.
            --   What is the same at one cut time was told apart before, in `funnel_walks_cut`: cut first, a later one would stand for it. `funnel_walks_told_alike` cuts by the same rule.
            SELECT
                breakdown_value,
                person_id,
                arraySlice(at, begin, end + 1 - begin) AS at,
                arraySlice(flags, begin, end + 1 - begin) AS flags
            FROM
            (
                SELECT
                    *,
                    arrayFirstIndex(flag -> bitTest(flag, 0), flags) AS first,
                    greatest(first, arrayLastIndex(flag -> bitAnd(flag, 62) != 0, flags)) AS last,
                    /* ties: */ if(ties_any, arrayFirstIndex(at_ms -> at_ms >= at[first] - grace_ms, at), first) /* else: first */ AS begin,
                    /* drops: */ if(drops_person, length(at), /* else: ( */ /* ties: */ if(ties_any, arrayLastIndex(at_ms -> at_ms <= at[last] + grace_ms, at), last) /* else: last */ ) AS end
                FROM
                (
                    /* the query of funnel_walks_cut */
                )
                WHERE first > 0
            )
        )
    )
SELECT
    '' AS project,
    toUInt64(0) AS person_id,
    CAST((value, people, times), 'Tuple(value String, people UInt64, times Array(Int64))') AS breakdown_value,
    arraySlice(times, 1, intDiv(length(times), people)) AS at,
    arrayMap(flag -> bitAnd(flag, 4095), arraySlice(alike, 1, length(at))) AS flags,
    CAST([], 'Array(UInt128)') AS ids
FROM
(
    SELECT
        alike,
        /* breakdown: */ breakdown_value /* else: '' */ AS value,
        count() AS people,
        groupArrayArray(at) AS times
    FROM compared
    GROUP BY
        alike/* breakdown: */,
        value/* else: */
    SETTINGS
        group_by_two_level_threshold = 1000000,
        group_by_two_level_threshold_bytes = 2000000000
)
