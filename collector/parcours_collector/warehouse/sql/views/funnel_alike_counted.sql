-- The counts behind `funnel_by_rules` for rules of any kind that count people or their attempts: those of `funnel_counted`, from walks that are alike. Ask `funnel_by_rules`.
-- Grain: one row a step of each breakdown value. Keys: breakdown_value, step.
-- Parameters: those of `funnel_walks_told_alike`.
-- Not counted: what `funnel_attempts` does not count. Of rules that look at more than `funnel_walks_told_alike` has, that count something else, or that go by periods this says nothing that is right.
CREATE OR REPLACE VIEW funnel_alike_counted AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)} AS r,
    chosen AS
    (
        SELECT
            tupleElement(counted, 'people') AS people,
            tupleElement(counted, 'times') AS times,
            intDiv(length(times), people) AS walk_length,
            -- Each attempt holds these: a walk of one person has its times in the numbers of its touchpoints.
            if(people = 1, [], times) AS times_of_many,
            arrayMap(n -> toUInt32(n % walk_length), arrayEnumerate(times_of_many)) AS turns_of_many,
            breakdown_value,
            -- A person's attempt is the furthest, of several the one that ended first; if that is dropped, there is none.
            if(
                tupleElement(r, 'counts_attempts'),
                attempts,
                arraySlice(arraySort(one -> (-toInt64(length(one.1)), one.2, one.3), arrayZip(attempts, drops, arrayEnumerate(attempts))).1, 1, 1)
            ) AS ranked,
            if(
                tupleElement(r, 'counts_attempts'),
                drops,
                arraySlice(arraySort(one -> (-toInt64(length(one.1)), one.2, one.3), arrayZip(attempts, drops, arrayEnumerate(attempts))).2, 1, 1)
            ) AS are_dropped,
            -- The number of a touchpoint holds its place in the walk; 0 = a step that was left out or not reached.
            arrayFilter((steps_taken, is_dropped) -> NOT is_dropped, ranked, are_dropped) AS all_taken,
            arrayMap(steps_taken -> arrayResize(arrayMap(step -> toUInt32(toUInt128(bitShiftRight(step, 64))), steps_taken), tupleElement(r, 'step_count'), 0), all_taken) AS all_places
        FROM
        (
            /* the query of funnel_folded over funnel_walks_told_alike */
        )
    ),
    attempted AS
    (
        SELECT
            people,
            times_of_many,
            turns_of_many,
            walk_length,
            breakdown_value,
            places,
            arrayResize(arrayMap(step -> toInt64(bitShiftRight(step, 192)) - 4611686018427387904, steps_taken), tupleElement(r, 'step_count'), 0) AS at,
            arrayLastIndex(place -> place > 0, places) AS reached,
            -- Whoever did a step in several attempts is one person: counted beside the first.
            if(attempt_no = 1, arrayMap(k -> arrayExists(one -> one[k] > 0, all_places), tupleElement(r, 'places')), arrayMap(k -> false, tupleElement(r, 'places'))) AS by_persons,
            arrayShiftRight(arrayFill(place -> place > 0, places), 1, places[1]) AS places_before,
            arrayShiftRight(arrayFill((at_ms, place) -> place > 0, at, places), 1, at[1]) AS at_before
        FROM chosen
        ARRAY JOIN
            all_taken AS steps_taken,
            all_places AS places,
            arrayEnumerate(all_places) AS attempt_no
    ),
    counted_by_part AS
    (
        SELECT
            breakdown_value,
            CAST(NULL, 'Nullable(DateTime64(3, \'UTC\'))') AS period_at,
            CAST(NULL, 'Nullable(UInt8)') AS is_complete,
            sumForEach(counts) AS counts,
            sumForEach(persons) AS persons_counted,
            sumForEach(lasts) AS losts,
            avgArrayForEach(pauses) AS avgs,
            quantileExactInclusiveArrayForEach(0.5)(pauses) AS medians
        FROM
        (
            SELECT
                breakdown_value,
                arrayMap(place -> if(place = 0, 0, people), places) AS counts,
                arrayMap(is_counted -> if(is_counted, people, 0), by_persons) AS persons,
                arrayMap(k -> if(k = reached, people, 0), tupleElement(r, 'places')) AS lasts,
                -- The remainder tells a place where walks stand one after the other. The first step took no time; of one that was not done nothing is looked at.
                arrayMap(
                    (own_times, own_turns, place, own_rest, rest_before, own_at_ms, own_before_ms, k) -> arrayConcat(
                        arrayMap(
                            (at_ms, before_ms) -> greatest(at_ms - before_ms, 0) / 1000,
                            arrayFilter((at_ms, turn) -> turn = own_rest, own_times, own_turns),
                            arrayFilter((at_ms, turn) -> turn = rest_before, own_times, own_turns)
                        ),
                        if(people = 1 AND place > 0 AND k > 1, [greatest(own_at_ms - own_before_ms, 0) / 1000], [])
                    ),
                    times_of_steps, turns_of_steps, places, rests, rests_before, at, at_before, tupleElement(r, 'places')
                ) AS pauses
            FROM
            (
                SELECT
                    *,
                    arrayMap((place, k) -> if(place > 0 AND k > 1, times_of_many, []), places, tupleElement(r, 'places')) AS times_of_steps,
                    arrayMap((place, k) -> if(place > 0 AND k > 1, turns_of_many, []), places, tupleElement(r, 'places')) AS turns_of_steps,
                    arrayMap(place -> toUInt32(place % walk_length), places) AS rests,
                    arrayMap(place -> toUInt32(place % walk_length), places_before) AS rests_before
                FROM attempted
            )
            UNION ALL
            SELECT
                '',
                arrayMap(k -> toUInt64(0), tupleElement(r, 'places')),
                arrayMap(k -> toUInt64(0), tupleElement(r, 'places')),
                arrayMap(k -> toUInt64(0), tupleElement(r, 'places')),
                arrayMap(k -> CAST([], 'Array(Float64)'), tupleElement(r, 'places'))
            FROM system.one
            WHERE tupleElement(r, 'breakdown_field') = 0
        )
        GROUP BY breakdown_value
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
    if(k = 1, 1, counted / counts[greatest(arrayLastIndex((optional, place) -> place < k AND NOT optional, tupleElement(r, 'optional_steps'), tupleElement(r, 'places')), 1)]) AS conversion_from_previous,
    if(k = 1, 1, counted / counts[1]) AS conversion_from_start,
    if(k = 1 AND counted > 0, 0, avgs[k]) AS avg_seconds,
    multiIf(counted = 0, nan, k = 1, 0, medians[k]) AS median_seconds
FROM counted_by_part
ARRAY JOIN
    tupleElement(r, 'step_names') AS name,
    tupleElement(r, 'places') AS k
ORDER BY
    period_at,
    breakdown_value,
    step
