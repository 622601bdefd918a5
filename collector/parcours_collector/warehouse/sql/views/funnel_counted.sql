-- The counts behind `funnel_by_rules`, under rules that are already read. Ask `funnel_by_rules`, which says what the columns are.
-- Grain: one row a step of each breakdown value and period of entry; keys are those of `funnel_by_rules`.
-- Not counted: rules that `funnel_asked` says is_stepped of; `funnel_stepped_counted` counts these.
-- Parameters: those of `funnel_walked`. Its text stands here and is no view inside a view: the engine analyses what a view reads once more for each view around it.
CREATE OR REPLACE VIEW funnel_counted AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)} AS r,
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
            quantileExactInclusiveIfForEach(0.5)(pauses, flags) AS medians
        FROM
        (
            SELECT
                breakdown_value,
                period_at,
                is_complete,
                arrayMap(at -> at IS NOT NULL, arrayResize(step_times, tupleElement(r, 'step_count'), NULL)) AS flags,
                arrayMap(flag -> person_id, flags) AS persons,
                arrayMap(k -> k = reached, tupleElement(r, 'places')) AS lasts,
                arrayMap(pause -> ifNull(pause, 0), arrayResize(seconds_from_previous, tupleElement(r, 'step_count'), NULL)) AS pauses
            FROM
            (
                /* the query of funnel_walked */
            ) AS attempts
            UNION ALL
            SELECT
                '',
                NULL,
                NULL,
                arrayMap(k -> false, tupleElement(r, 'places')),
                arrayMap(k -> toUInt64(0), tupleElement(r, 'places')),
                arrayMap(k -> false, tupleElement(r, 'places')),
                arrayMap(k -> toFloat64(0), tupleElement(r, 'places'))
            FROM system.one
            WHERE NOT tupleElement(r, 'is_stepped')
              AND tupleElement(r, 'breakdown_field') = 0
              AND tupleElement(r, 'interval') = ''
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
    if(k = 1, 1, counted / counts[greatest(arrayLastIndex((optional, place) -> place < k AND NOT optional, tupleElement(r, 'optional_steps'), tupleElement(r, 'places')), 1)]) AS conversion_from_previous,
    if(k = 1, 1, counted / counts[1]) AS conversion_from_start,
    avgs[k] AS avg_seconds,
    if(counted = 0, nan, medians[k]) AS median_seconds
FROM counted_by_part
ARRAY JOIN
    tupleElement(r, 'step_names') AS name,
    tupleElement(r, 'places') AS k
ORDER BY
    period_at,
    breakdown_value,
    step
