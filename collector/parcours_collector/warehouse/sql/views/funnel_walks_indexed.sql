-- The walks of a funnel by plain rules that look at nothing but names and channels: what `funnel_stepped` goes over, read from the journey index.
-- Grain: one row a person. Keys: project, person_id. all_at (milliseconds since 1970) and all_flags, in the order of time, of every touchpoint that is a step or an exclusion:
--   1, 2, 4 … = it is that step, 64, 128 … = it ends an attempt there. all_ids: empty. breakdown_value: with a
--   breakdown, the word that its field has at the first or the last of these that is a step.
-- Not counted: rules that `funnel_asked` does not say reads_index of; touchpoints of nobody (person_id 0); what has a name or a channel that is stored for the first time while it is asked for.
-- In a question, conditions may look at other fields: touchpoints of the names that they stand on are read besides (`funnel_walks_looked` with is_few), and laid beside the walk in the same order.
-- Parameters: those of `funnel_stepped`; is_wide (false): of any rules, all_flags are 1, 2, 4 … for what is asked, steps first, then exclusions, and where steps are strict 2 to the power of 62 for whatever counts; needs_ids (false): there is no row, as the index is read without ids.
CREATE OR REPLACE VIEW funnel_walks_indexed AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)} AS r,
    ifNull({is_wide:Nullable(Bool)}, false) AS is_wide,
    if(is_wide, true, tupleElement(r, 'reads_index') /* few: */ OR tupleElement(r, 'looks_at_few') /* else: */) AND NOT ifNull({needs_ids:Nullable(Bool)}, false) AS is_asked,
    if(is_wide, toUInt64(bitShiftLeft(toUInt64(1), tupleElement(r, 'step_count')) - 1), toUInt64(63)) AS step_bits,
    (SELECT arrayExists(field -> tupleElement(r, 'columns')[field] = 'channel', tupleElement(r, 'tests').field)) AS by_channel,
    tupleElement(r, 'breakdown_field') AS breakdown_field,
    -- What a touchpoint is that a condition has to look at.
    /* few: */ bitShiftLeft(toUInt64(1), 63) AS unknown_yet, /* else: */
    {from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AND {to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AS is_unbounded,
    ifNull(toUnixTimestamp64Milli({from_at:Nullable(DateTime64(3, 'UTC'))}), -9223372036854775808) AS from_ms,
    ifNull(toUnixTimestamp64Milli({to_at:Nullable(DateTime64(3, 'UTC'))}), 9223372036854775807) AS to_ms,
    -- What each name is, or each name in each channel where a condition looks at it: by its numbers in the index where no two words share one, else by a hash of its words.
    (
        SELECT (
            uniqExact(number) = uniqExact(word) AS are_numbered,
            if(are_numbered, groupUniqArrayIf((number, flags), flags != 0), groupUniqArrayIf((word, flags), flags != 0)) AS told,
            arrayMap(one -> one.1, told),
            arrayMap(one -> one.2, told),
            -- In a list: what the engine takes from a tuple that a subquery gives may be nothing, unless it is one.
            [bitAnd(max(flags), 0)]
        )
        FROM
        (
            SELECT
                /* by_channel: */ if(by_channel, bitShiftLeft(toUInt64(toUInt32(sipHash64(name))), 32) + toUInt32(sipHash64(channel)), toUInt64(toUInt32(sipHash64(name)))) /* else: toUInt64(toUInt32(sipHash64(name))) */ AS number,
                /* by_channel: */ if(by_channel, sipHash64(name, channel), sipHash64(name)) /* else: sipHash64(name) */ AS word,
                /* few: */ if(tupleElement(r, 'few_is_all') OR has(tupleElement(r, 'few'), name), unknown_yet, toUInt64( /* else: ( */
                /* wide: */ if(is_wide, if(
                    met[-1],
                    toUInt64(arraySum(arrayMap((flag, j) -> if(flag, bitShiftLeft(toUInt64(1), j - 1), 0), arrayPopBack(met), arrayEnumerate(arrayPopBack(met))))) + if(tupleElement(r, 'strict'), bitShiftLeft(toUInt64(1), 62), 0),
                    toUInt64(0)
                ), toUInt64( /* else: ( */ if(NOT met[-1], toUInt16(0), toUInt16(
                    arraySum(arrayMap((flag, k) -> flag * bitShiftLeft(toUInt16(1), k - 1), arraySlice(met, 1, tupleElement(r, 'step_count')), tupleElement(r, 'places')))
                        + arraySum(arrayMap(k -> arrayExists((range, flag) -> flag AND range.1 <= k AND k < range.2, tupleElement(r, 'barred'), arraySlice(met, tupleElement(r, 'step_count') + 1, length(tupleElement(r, 'barred')))) * bitShiftLeft(toUInt16(64), k - 1), tupleElement(r, 'places')))
                )) /* wide: */ )) /* else: ) */
                /* few: */ )) /* else: ) */ AS flags
            FROM
            (
                SELECT
                    name,
                    channel,
                    /* tests: */ arrayMap(
                        (test, text) -> multiIf(
                            test.operator IN ('=', '!='), (test.operator = '=') = has(test.operands, text),
                            test.operator = 'contains', arrayExists(operand -> position(text, operand) > 0, test.operands),
                            test.operator = 'set', text != '',
                            test.operator = 'unset', text = '',
                            text = '', false,
                            toFloat64OrNull(test.operands[1]) IS NULL, multiIf(
                                test.operator = '<', text < test.operands[1],
                                test.operator = '<=', text <= test.operands[1],
                                test.operator = '>', text > test.operands[1],
                                text >= test.operands[1]
                            ),
                            ifNull(multiIf(
                                test.operator = '<', toFloat64OrNull(text) < toFloat64OrNull(test.operands[1]),
                                test.operator = '<=', toFloat64OrNull(text) <= toFloat64OrNull(test.operands[1]),
                                test.operator = '>', toFloat64OrNull(text) > toFloat64OrNull(test.operands[1]),
                                toFloat64OrNull(text) >= toFloat64OrNull(test.operands[1])
                            ), false)
                        ),
                        tupleElement(r, 'tests'),
                        arrayMap(field -> if(tupleElement(r, 'columns')[field] = 'name', name, channel), tupleElement(r, 'tests').field)
                    ) /* else: CAST([], 'Array(UInt8)') */ AS passed,
                    arrayMap(one -> (empty(one.names) OR has(one.names, name))/* tests: */ AND arrayAll(test -> passed[test], one.tests)/* else: */, tupleElement(r, 'asked')) AS met
                FROM
                (
                    SELECT
                        name,
                        channel
                    FROM parcours.journey_nodes
                    WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
                    UNION ALL
                    /* waiting */
                    SELECT
                        toString(name) AS name,
                        toString(channel) AS channel
                    FROM parcours.touchpoints
                    WHERE (project, UUIDv7ToDateTime(id, 'UTC')) IN (SELECT project, UUIDv7ToDateTime(id, 'UTC') FROM parcours.journey_index_changes)
                )
                WHERE is_asked
            )
        )
    ) AS known,
    named AS
    (
        SELECT
            project,
            person_id,
            times,
            /* breakdown: */ if(breakdown_field = 0, [], identity(if(tupleElement(r, 'columns')[breakdown_field] = 'name', names, channels))) AS words, /* else: */
            /* by_channel: */ if(
                known.1,
                identity(if(
                    by_channel,
                    arrayMap((name, channel) -> transform(bitShiftLeft(toUInt64(name), 32) + channel, known.3, known.4, known.5[1]), name_numbers, channel_numbers),
                    arrayMap(name -> transform(toUInt64(name), known.3, known.4, known.5[1]), name_numbers)
                )),
                identity(if(
                    by_channel,
                    arrayMap((name, channel) -> transform(sipHash64(name, channel), known.3, known.4, known.5[1]), names, channels),
                    arrayMap(name -> transform(sipHash64(name), known.3, known.4, known.5[1]), names)
                ))
            ) /* else: if(known.1, arrayMap(name -> transform(name, CAST(known.3, 'Array(UInt32)'), known.4, known.5[1]), name_numbers), arrayMap(name -> transform(sipHash64(name), known.3, known.4, known.5[1]), names)) */ AS flags
        FROM
        (
            /* the rows of walks_indexed */
        )
        WHERE is_asked
          AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
    ),
    bounded AS
    (
        SELECT
            project,
            person_id,
            times,
            /* breakdown: */ words, /* else: */
            /* bounds: */ if(is_unbounded, flags, arrayMap((flag, at_ms) -> if(at_ms >= from_ms AND at_ms < to_ms, flag, toUInt16(0)), flags, times)) /* else: flags */ AS inside
        FROM named
    )
SELECT
    toString(project) AS project,
    person_id,
    arrayFilter((at_ms, flag) -> flag > 0, times, inside) AS all_at,
    arrayFilter(flag -> flag > 0, inside) AS all_flags,
    CAST([], 'Array(UInt128)') AS all_ids,
    /* breakdown: */ if(breakdown_field = 0, '', toString(words[if(tupleElement(r, 'breakdown_by') = 'first_touch', arrayFirstIndex((flag, word) -> bitAnd(flag, step_bits) != 0 AND word != '', inside, words), arrayLastIndex((flag, word) -> bitAnd(flag, step_bits) != 0 AND word != '', inside, words))])) /* else: '' */ AS breakdown_value
FROM /* few: */
(
    -- What conditions look at lies in both in one order, by time and id: the third mark here is the third told.
    SELECT
        project,
        person_id,
        times,
        /* breakdown: */ words, /* else: */
        if(empty(marked_at), flags, arrayMap((flag, place) -> if(flag = unknown_yet, found_flags[place], flag), flags, arrayCumSum(flag -> flag = unknown_yet, flags))) AS inside
    FROM
    (
        SELECT
            *,
            -- Touchpoints that arrive meanwhile are told, and not in the walk: they are passed by. What is in the walk and not told, or not alone of its instant there, cannot be judged.
            if(
                told_at = marked_at,
                told_flags,
                if(
                    throwIf(
                        told_at != marked_at AND arrayFilter(at_ms -> has(marked_at, at_ms), told_at) != marked_at,
                        'Touchpoints that a condition looks at arrived while they were read: ask again'
                    ) = 0,
                    arrayFilter((flag, at_ms) -> has(marked_at, at_ms), told_flags, told_at),
                    []
                )
            ) AS found_flags
        FROM
        (
            SELECT
                bounded.project AS project,
                bounded.person_id AS person_id,
                bounded.times AS times,
                /* breakdown: */ bounded.words AS words, /* else: */
                bounded.inside AS flags,
                arrayFilter((at_ms, flag) -> flag = unknown_yet, bounded.times, bounded.inside) AS marked_at,
                told.all_at AS told_at,
                told.all_flags AS told_flags
            FROM bounded
            ANY LEFT JOIN
            (
                /* the query of funnel_walks_looked with is_few = true */
            ) AS told ON bounded.person_id = told.person_id /* projects: */ AND toString(bounded.project) = told.project /* else: */
        )
    )
) /* else: bounded */
