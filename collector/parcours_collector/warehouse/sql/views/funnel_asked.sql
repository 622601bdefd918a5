-- The rules of a funnel as the passes over walks take them: places in place of the names of fields, milliseconds in place of seconds, and what the pass may leave out.
-- Grain: one row. Other views read it once a question, so that the rules are one constant to all that is behind it.
-- is_stepped: the rules are plain, as `funnel_stepped` says; else `funnel_walked` goes by them. reads_index: they are, and conditions and breakdown look at nothing but names and channels.
-- few: the names of steps and exclusions with conditions on other fields than name and channel; few_is_all: such a condition stands on everything, or on any name. looks_at_few: the rules are plain, and neither all that is asked nor the breakdown looks at more.
-- Parameters: steps and rules as `funnel_rules` explains; rules may be left out.
CREATE OR REPLACE VIEW funnel_asked AS
SELECT
    CAST(
        (
            length(steps),
            arrayEnumerate(steps),
            arrayMap(k -> if(k = length(steps) AND step_order != 'any', 8, 0), arrayEnumerate(steps)),
            step_order = 'any', step_order = 'strict', may_go_back, needs_first_step, attempts = 'first',
            count_attempts OR interval != '' OR (breakdown != '' AND breakdown_by = 'attempt'),
            count_attempts,
            if(count_by IN ('person', 'session', 'journey'), count_by, 'value'),
            round(least(window_seconds, 1e12) * 1000),
            ties = 'any', round(least(grace_seconds, 1e12) * 1000), greatest(round(least(resolution_seconds, 1e12) * 1000), 1),
            arrayConcat(
                arrayMap(step -> (step.names, arrayMap(one -> indexOf(tests, one), step.where)), steps),
                arrayMap(one -> (one.names, arrayMap(each -> indexOf(tests, each), one.where)), exclusions),
                [(CAST([], 'Array(String)'), arrayMap(one -> indexOf(tests, one), where))]
            ),
            arrayMap((test, numbers) -> (indexOf(places, test[1]), test[2], arraySlice(test, 3), numbers), tests, numbers_of),
            arrayExists(numbers -> notEmpty(numbers), numbers_of),
            arrayMap(one -> (one.from_step, one.to_step), exclusions),
            exclusion_ends = 'person',
            arrayExists(step -> step.2, arrayMap(step -> (1, step.optional), steps)),
            arrayMap(k -> arrayFilter(next -> next > k AND arrayAll(j -> arrayMap(step -> step.optional, steps)[j], range(k + 1, next)), arrayEnumerate(steps)), arrayEnumerate(steps)),
            arrayMap(step -> round(least(ifNull(step.within_seconds, 1e12), 1e12) * 1000), steps),
            arrayMap(step -> step.first_ever, steps),
            arrayExists(step -> step.first_ever, steps),
            arrayExists(step -> step.first_ever, steps) OR count_by IN ('session', 'journey'),
            arrayExists(step -> empty(step.names), steps) OR arrayExists(one -> empty(one.names), exclusions) OR step_order = 'strict' OR count_by IN ('session', 'journey'),
            arrayDistinct(arrayConcat(arrayFlatten(arrayMap(step -> step.names, steps)), arrayFlatten(arrayMap(one -> one.names, exclusions)))),
            arrayFilter(one -> position(one, '.') = 0, fields),
            arrayMap(one -> arraySlice(splitByChar('.', one), 2), arrayFilter(one -> startsWith(one, 'properties.'), fields)),
            arrayMap(one -> arraySlice(splitByChar('.', one), 2), arrayFilter(one -> startsWith(one, 'context.'), fields)),
            arrayMap(one -> indexOf(places, one), hold), indexOf(places, count_by),
            indexOf(places, breakdown), if(breakdown = '', '', breakdown_by), breakdown_step,
            interval, timezone,
            step_names, arrayMap(step -> step.optional, steps),
            is_stepped, reads_index,
            is_stepped AND NOT reads_index AND NOT few_is_all AND notEmpty(few) AND breakdown IN ('', 'name', 'channel')
                AND NOT hasAll(few, arrayConcat(arrayFlatten(arrayMap(step -> step.names, steps)), arrayFlatten(arrayMap(one -> one.names, exclusions)))),
            few, few_is_all
        ),
        'Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)'
    ) AS r
FROM
(
    SELECT
        *,
        step_order = 'ordered' AND NOT count_attempts AND interval = '' AND (breakdown = '' OR breakdown_by IN ('first_touch', 'last_touch')) AND count_by = 'person' AND empty(hold)
            AND (ties = 'arrival' OR (length(arrayFlatten(arrayMap(step -> arrayDistinct(step.names), steps))) = length(arrayDistinct(arrayFlatten(arrayMap(step -> step.names, steps)))) AND (round(grace_seconds * 1000) = 0 OR (empty(exclusions) AND NOT arrayExists(step -> step.within_seconds IS NOT NULL, steps)))))
            AND NOT arrayExists(step -> step.optional OR step.first_ever OR empty(step.names), steps)
            AND NOT arrayExists(one -> empty(one.names) OR hasAny(one.names, arrayFlatten(arrayMap(step -> step.names, steps))), exclusions)
            AND length(steps) <= 6 AND length(exclusions) <= 4 AND length(tests) <= 4 AND length(fields) <= 3 AS is_stepped,
        is_stepped AND NOT arrayExists(one -> one NOT IN ('name', 'channel'), fields) AS reads_index,
        -- What a condition looks at that the index does not hold: only touchpoints of these names, or any.
        arrayDistinct(arrayConcat(
            arrayFlatten(arrayMap(step -> if(arrayExists(test -> test[1] NOT IN ('name', 'channel'), step.where), step.names, []), steps)),
            arrayFlatten(arrayMap(one -> if(arrayExists(test -> test[1] NOT IN ('name', 'channel'), one.where), one.names, []), exclusions))
        )) AS few,
        arrayExists(test -> test[1] NOT IN ('name', 'channel'), where)
            OR arrayExists(step -> empty(step.names) AND arrayExists(test -> test[1] NOT IN ('name', 'channel'), step.where), steps)
            OR arrayExists(one -> empty(one.names) AND arrayExists(test -> test[1] NOT IN ('name', 'channel'), one.where), exclusions) AS few_is_all,
        -- Fields in the order that `funnel_walked` finds them in.
        arrayConcat(arrayFilter(one -> position(one, '.') = 0, fields), arrayFilter(one -> startsWith(one, 'properties.'), fields), arrayFilter(one -> startsWith(one, 'context.'), fields)) AS places,
        arrayDistinct(arrayConcat(where, arrayFold((all, step) -> arrayConcat(all, step.where), steps, CAST([], 'Array(Array(String))')), arrayFold((all, one) -> arrayConcat(all, one.where), exclusions, CAST([], 'Array(Array(String))')))) AS tests,
        arrayMap(test -> if(test[2] NOT IN ('=', '!='), [], arrayFilter(number -> abs(number) < 9007199254740992, arrayMap(operand -> toFloat64OrZero(operand), arrayFilter(operand -> JSONType(operand) IN ('Int64', 'UInt64', 'Double'), arraySlice(test, 3))))), tests) AS numbers_of
    FROM
    (
        /* the query of funnel_rules */
    )
)
