-- Walks that are alike under rules of any kind: as `funnel_walks_alike` for plain rules, in the form of `funnel_walks_told`.
-- Grain: one row for all that are alike. Keys: person, counted.
-- walk: of one of them, id_order being the place of a touchpoint in it. counted: people: how many they are; times: at of each of them, one after the other. project, person: '' and a hash of how they walked.
-- Parameters: those of `funnel_walks_indexed` but is_wide.
-- Not counted: as there (as a view: rules that look at more than names and channels), and whoever did not do the first step, or in any order none.
CREATE OR REPLACE VIEW funnel_walks_told_alike AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)} AS r,
    tupleElement(r, 'window_ms') AS window_ms,
    tupleElement(r, 'grace_ms') AS grace_ms,
    tupleElement(r, 'resolution_ms') AS resolution_ms,
    tupleElement(r, 'ties_any') AS ties_any,
    tupleElement(r, 'strict') AND NOT ties_any AS is_passed_once,
    -- What a touchpoint is in strict order that is nothing that is asked, as `funnel_walks_indexed` tells it.
    bitShiftLeft(toUInt64(1), 62) AS passing,
    bitShiftLeft(toUInt64(1), tupleElement(r, 'step_count')) - 1 AS step_bits,
    if(tupleElement(r, 'any_order'), step_bits, 1) AS begin_bits,
    if(tupleElement(r, 'any_order'), step_bits, step_bits - 1) AS end_bits,
    tupleElement(r, 'counts_attempts') OR tupleElement(r, 'keeps_all') OR (tupleElement(r, 'drops_person') AND notEmpty(tupleElement(r, 'barred'))) AS is_kept_whole,
    least(window_ms, arrayMin(tupleElement(r, 'withins_ms'))) AS least_ms,
    compared AS
    (
        SELECT
            breakdown_value,
            at,
            arrayDifference(at) AS pauses_ms,
            -- As `funnel_walks_alike` tells walks apart; 2 to the power of 63 marks the person, and what is above it the part of many. A long walk is alone: every attempt holds the times of all who are alike.
            arrayConcat(
                arrayMap((flag, pause_ms) -> toUInt64(flag + if(pause_ms = 0, bitShiftLeft(toUInt64(1), 60), 0) + if(pause_ms > window_ms, bitShiftLeft(toUInt64(1), 61), 0)), flags, pauses_ms),
                if(
                    (
                        at[-1] - at[1] <= least_ms
                        OR arrayAll((at_ms, begin_ms) -> at_ms - begin_ms <= least_ms, at, arrayFill((at_ms, pause_ms) -> pause_ms > window_ms, at, pauses_ms))
                    ) AND (
                        grace_ms = 0
                        OR NOT arrayExists(pause_ms -> pause_ms > 0 AND pause_ms <= grace_ms, pauses_ms)
                    ) AND length(at) <= 64,
                    if(length(at) > 3, [], [bitShiftLeft(toUInt64(1), 63) + 1 + person_id % 32]),
                    [bitShiftLeft(toUInt64(1), 63), person_id]
                )
            ) AS alike
        FROM
        (
            SELECT
                breakdown_value,
                person_id,
                -- In strict order, of touchpoints in a row that are nothing that is asked the first has passed by whoever waited.
                if(NOT is_passed_once, cut_at, arrayFilter((at_ms, flag, before) -> flag != passing OR before != passing, cut_at, cut_flags, arrayShiftRight(cut_flags, 1))) AS at,
                if(NOT is_passed_once, cut_flags, arrayFilter((flag, before) -> flag != passing OR before != passing, cut_flags, arrayShiftRight(cut_flags, 1))) AS flags
            FROM
            (
                -- Before the first step (in any order: before any) nobody waits, and after the last of the further ones nobody goes on, as in `funnel_walks_alike`; each attempt that is counted ends with its last touchpoint.
                SELECT
                    breakdown_value,
                    person_id,
                    arraySlice(whole_at, begin, end + 1 - begin) AS cut_at,
                    arraySlice(all_flags, begin, end + 1 - begin) AS cut_flags
                FROM
                (
                    SELECT
                        *,
                        if(resolution_ms = 1, all_at, arrayMap(at_ms -> at_ms - positiveModulo(at_ms, resolution_ms), all_at)) AS whole_at,
                        arrayFirstIndex(flag -> bitAnd(flag, begin_bits) != 0, all_flags) AS first,
                        greatest(first, arrayLastIndex(flag -> bitAnd(flag, end_bits) != 0, all_flags)) AS last,
                        -- Of touchpoints of one cut time that are the same steps the first counts: those before the first step are told, too.
                        if(ties_any OR resolution_ms != 1, arrayFirstIndex(at_ms -> at_ms >= whole_at[first] - if(ties_any, grace_ms, 0), whole_at), first) AS begin,
                        if(is_kept_whole, length(whole_at), if(ties_any, arrayLastIndex(at_ms -> at_ms <= whole_at[last] + grace_ms, whole_at), last)) AS end
                    FROM
                    (
                        /* the query of funnel_walks_indexed with is_wide = true */
                    )
                    WHERE first > 0
                )
            )
        )
    )
SELECT
    '' AS project,
    cityHash64(alike, value) AS person,
    CAST((people, times), 'Tuple(people UInt64, times Array(Int64))') AS counted,
    arrayMap(
        (at_ms, flag, place) -> CAST((
            at_ms,
            place,
            arrayPushBack(arrayMap(j -> bitTest(flag, j - 1), range(1, length(tupleElement(r, 'asked')))), true),
            ties_any AND bitAnd(flag, bitShiftLeft(toUInt64(1), tupleElement(r, 'step_count')) - 1) = 0,
            true,
            [],
            value,
            '',
            false
        ), 'Tuple(at Int64, id_order UInt128, met Array(Bool), is_foreign Bool, is_kept Bool, held Array(String), value String, family String, is_end Bool)'),
        arraySlice(times, 1, intDiv(length(times), people)) AS at,
        arraySlice(alike, 1, length(at)),
        arrayEnumerate(at)
    ) AS walk
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
        group_by_two_level_threshold = 0,
        group_by_two_level_threshold_bytes = 0,
        max_block_size = 8192
)
