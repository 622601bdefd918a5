-- The histogram behind `funnel_conversion_times`, under rules that are already read. Ask that, which says what the columns are.
-- Grain: one row a bin; none when nobody did both. Keys: from_seconds.
-- Parameters: those of `funnel_walked`, and from_step, to_step and bins as in `funnel_conversion_times`.
-- Not counted: what `funnel_attempts` does not count.
CREATE OR REPLACE VIEW funnel_times_counted AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool)} AS r,
    ifNull({from_step:Nullable(UInt16)}, 1) AS from_place,
    ifNull({to_step:Nullable(UInt16)}, tupleElement(r, 'step_count')) AS to_place,
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
            SELECT (assumeNotNull(all_ms[to_place]) - assumeNotNull(all_ms[from_place])) / 1000 AS seconds
            FROM
            (
                /* general */
                SELECT arrayMap(at -> toUnixTimestamp64Milli(at), step_times) AS all_ms
                FROM
                (
                    /* the query of funnel_walked */
                )
                UNION ALL
                /* stepped */
                SELECT CAST(times_taken, 'Array(Nullable(Int64))') AS all_ms
                FROM
                (
                    /* the query of funnel_stepped with needs_ids = false */
                )
            )
            WHERE throwIf(from_place < 1 OR from_place >= to_place OR to_place > tupleElement(r, 'step_count'), 'from_step lies before to_step, both are steps, from 1') = 0
              AND length(all_ms) >= to_place
              AND all_ms[from_place] IS NOT NULL
              AND all_ms[to_place] IS NOT NULL
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
