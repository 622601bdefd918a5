-- The pass behind `funnel_attempts`: every life walked once under rules that are already read. Ask `funnel_attempts`, which says what the columns and the rule are.
-- Not counted: anybody, under rules that `funnel_asked` says is_stepped of: `funnel_stepped` finds the same attempts, several times as fast.
-- Grain: one row an attempt that counts; keys are those of `funnel_attempts`.
-- Parameters: r, what `funnel_asked` makes of steps and rules, so that it is worked out once and the engine leaves out whatever these rules do not need; project,
--   from_at and to_at may be left out.
CREATE OR REPLACE VIEW funnel_walked AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)} AS r,
    ended AS
    (
        /* the query of funnel_folded */
    ),
    told AS
    (
        SELECT
            project,
            person,
            counted,
            toUInt16(length(steps_taken)) AS reached,
            is_dropped,
            steps_taken,
            arrayMap(step -> if(step = 0, toInt64(0), toInt64(bitShiftRight(step, 192)) - 4611686018427387904), steps_taken) AS times_taken,
            place,
            if(tupleElement(r, 'breakdown_by') = 'attempt', if(tupleElement(r, 'breakdown_step') <= reached, words[toUInt32(steps_taken[tupleElement(r, 'breakdown_step')])], ''), breakdown_value) AS value,
            fromUnixTimestamp64Milli(times_taken[1], 'UTC') AS entered_at,
            multiIf(
                tupleElement(r, 'interval') = '', NULL,
                tupleElement(r, 'interval') = 'hour', toDateTime64(toStartOfHour(entered_at, tupleElement(r, 'timezone')), 3, 'UTC'),
                tupleElement(r, 'interval') = 'day', toDateTime64(toStartOfDay(entered_at, tupleElement(r, 'timezone')), 3, 'UTC'),
                tupleElement(r, 'interval') = 'week', toDateTime64(toDateTime(toMonday(entered_at, tupleElement(r, 'timezone')), tupleElement(r, 'timezone')), 3, 'UTC'),
                tupleElement(r, 'interval') = 'sunday_week', toDateTime64(toDateTime(toStartOfWeek(entered_at, 0, tupleElement(r, 'timezone')), tupleElement(r, 'timezone')), 3, 'UTC'),
                toDateTime64(toDateTime(toStartOfMonth(entered_at, tupleElement(r, 'timezone')), tupleElement(r, 'timezone')), 3, 'UTC')
            ) AS period_at
        FROM ended
        ARRAY JOIN
            attempts AS steps_taken,
            drops AS is_dropped,
            arrayEnumerate(attempts) AS place
    ),
    ranked AS
    (
        SELECT
            *,
            if(tupleElement(r, 'counts_attempts'), 1, row_number() OVER (PARTITION BY project, person, counted, value, period_at ORDER BY reached DESC, is_dropped, place, steps_taken[1])) AS rank
        FROM told
    )
SELECT
    project,
    person AS person_id,
    counted AS subject,
    value AS breakdown_value,
    period_at,
    multiIf(
        tupleElement(r, 'interval') = '', NULL,
        tupleElement(r, 'interval') = 'hour', period_at + toIntervalHour(1),
        toDateTime64(toDateTime(multiIf(tupleElement(r, 'interval') = 'day', addDays(toDate(period_at, tupleElement(r, 'timezone')), 1), tupleElement(r, 'interval') IN ('week', 'sunday_week'), addDays(toDate(period_at, tupleElement(r, 'timezone')), 7), addMonths(toDate(period_at, tupleElement(r, 'timezone')), 1)), tupleElement(r, 'timezone')), 3, 'UTC')
    ) + toIntervalMillisecond(tupleElement(r, 'window_ms')) <= least(now64(3, 'UTC'), ifNull({to_at:Nullable(DateTime64(3, 'UTC'))}, now64(3, 'UTC'))) AS is_complete,
    entered_at,
    reached,
    arrayMap((step, at_ms) -> if(step = 0, NULL, fromUnixTimestamp64Milli(at_ms, 'UTC')), steps_taken, times_taken) AS step_times,
    arrayMap(
        (step, at_ms, before_ms) -> if(step = 0, NULL, greatest(at_ms - before_ms, 0) / 1000),
        steps_taken, times_taken, arrayShiftRight(arrayFill((at_ms, step) -> step != 0, times_taken, steps_taken), 1, times_taken[1])
    ) AS seconds_from_previous,
    arrayMap(step -> reinterpretAsUUID(bitOr(bitShiftLeft(toUInt128(bitShiftRight(step, 64)), 64), bitShiftRight(toUInt128(bitShiftRight(step, 64)), 64))), steps_taken) AS touchpoint_ids
FROM ranked
WHERE rank = 1
  AND NOT is_dropped
