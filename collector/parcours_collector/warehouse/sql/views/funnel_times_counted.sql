-- The histogram behind `funnel_conversion_times`, under rules that are already read. Ask that, which says what the columns are.
-- Grain: one row a bin; none when nobody did both. Keys: from_seconds.
-- Parameters: those of `funnel_walked`, and from_step, to_step and bins as in `funnel_conversion_times`.
-- Not counted: what `funnel_attempts` does not count.
CREATE OR REPLACE VIEW funnel_times_counted AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)} AS r,
    ifNull({from_step:Nullable(UInt16)}, 1) AS from_place,
    ifNull({to_step:Nullable(UInt16)}, tupleElement(r, 'step_count')) AS to_place,
    throwIf(from_place < 1 OR from_place >= to_place OR to_place > tupleElement(r, 'step_count'), 'from_step lies before to_step, both are steps, from 1') = 0 AS are_steps,
    gathered AS
    (
        SELECT
            groupArray(seconds) AS all_seconds,
            min(seconds) AS shortest,
            max(seconds) AS longest,
            toUInt32(ifNull({bins:Nullable(UInt32)}, ceil(cbrt(count())))) AS bins_wanted,
            greatest(ceil((longest - shortest) / greatest(bins_wanted, 1)), 1) AS width_seconds
        FROM
        (
            SELECT seconds
            FROM
            (
                /* general */
                SELECT dateDiff('millisecond', assumeNotNull(step_times[from_place]), assumeNotNull(step_times[to_place])) / 1000 AS seconds
                FROM
                (
                    /* the query of funnel_walked */
                )
                WHERE are_steps
                  AND length(step_times) >= to_place
                  AND step_times[from_place] IS NOT NULL
                  AND step_times[to_place] IS NOT NULL
                UNION ALL
                /* stepped */
                SELECT arrayJoin(arrayMap(
                    (to_ms, from_ms) -> (to_ms - from_ms) / 1000,
                    arrayFilter((at_ms, turn) -> turn = to_rest, times, turns),
                    arrayFilter((at_ms, turn) -> turn = from_rest, times, turns)
                )) AS seconds
                FROM
                (
                    SELECT
                        reached,
                        tupleElement(breakdown_value, 'times') AS times,
                        intDiv(length(times), tupleElement(breakdown_value, 'people')) AS walk_length,
                        indexOf(times, times_taken[to_place]) % walk_length AS to_rest,
                        arrayMap(n -> toUInt32(n % walk_length), arrayEnumerate(times)) AS turns,
                        indexOf(times, times_taken[from_place]) % walk_length AS from_rest
                    FROM
                    (
                        /* the query of funnel_stepped over funnel_walks_alike with needs_ids = false */
                    )
                )
                WHERE are_steps
                  AND reached >= to_place
            )
        )
    )
SELECT
    shortest + bin * width_seconds AS from_seconds,
    from_seconds + width_seconds AS to_seconds,
    arrayCount(one -> floor((one - shortest) / width_seconds) = bin, all_seconds) AS counted
FROM gathered
ARRAY JOIN range(toUInt32(floor((longest - shortest) / width_seconds) + 1)) AS bin
WHERE notEmpty(all_seconds)
ORDER BY from_seconds
