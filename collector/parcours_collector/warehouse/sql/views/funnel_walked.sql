-- The pass behind `funnel_attempts`: every life walked once under rules that are already read. Ask `funnel_attempts`, which says what the columns and the rule are.
-- Grain: one row an attempt that counts; keys are those of `funnel_attempts`.
-- Parameters: r, what `funnel_asked` makes of steps and rules, so that it is worked out once and the engine leaves out whatever these rules do not need; project,
--   from_at and to_at may be left out.
CREATE OR REPLACE VIEW funnel_walked AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), conditions Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))))), barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), fields Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool))} AS r,
    -- The fields that the rules look at, in the order that they are declared.
    looked AS
    (
        SELECT
            project,
            if(tupleElement(r, 'subject_is') = 'value', 0, person_id) AS person,
            name,
            channel,
            occurred_at,
            id_order,
            id,
            context,
            properties,
            if(empty(tupleElement(r, 'fields')), CAST([], 'Array(String)'), arrayMap(
                field -> multiIf(
                    field[1] = 'name', toString(name),
                    field[1] = 'channel', toString(channel),
                    field[1] = 'source', toString(source),
                    field[1] = 'currency', toString(currency),
                    field[1] = 'revenue', ifNull(toString(revenue), ''),
                    field[1] = 'place', multiIf(
                        JSONExtractString(properties, 'store_id') != '', JSONExtractString(properties, 'store_id'),
                        JSONExtractString(context, 'store_id') != '', JSONExtractString(context, 'store_id'),
                        toString(channel)
                    ),
                    length(field) = 2, multiIf(
                        JSONType(if(field[1] = 'context', context, properties), field[2]) = 'String', JSONExtractString(if(field[1] = 'context', context, properties), field[2]),
                        JSONType(if(field[1] = 'context', context, properties), field[2]) = 'Null', '',
                        JSONExtractRaw(if(field[1] = 'context', context, properties), field[2])
                    ),
                    JSONType(if(field[1] = 'context', context, properties), field[2], field[3]) = 'String', JSONExtractString(if(field[1] = 'context', context, properties), field[2], field[3]),
                    JSONType(if(field[1] = 'context', context, properties), field[2], field[3]) = 'Null', '',
                    JSONExtractRaw(if(field[1] = 'context', context, properties), field[2], field[3])
                ),
                tupleElement(r, 'fields')
            )) AS found
        FROM parcours.touchpoints_unique
        WHERE ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
          AND (tupleElement(r, 'needs_all') OR has(tupleElement(r, 'names'), name))
          AND (tupleElement(r, 'subject_is') = 'value' OR person_id != 0)
    ),
    -- What each touchpoint is: met has a flag a step, one an exclusion, and whether it counts at all.
    met_by AS
    (
        SELECT
            *,
            if(
                empty(tupleElement(r, 'fields')),
                arrayMap(one -> empty(one.names) OR has(one.names, name), tupleElement(r, 'asked')),
                arrayMap(
                    one -> (empty(one.names) OR has(one.names, name)) AND arrayAll(
                        asks -> multiIf(
                            asks.operator IN ('=', '!='), (asks.operator = '=') = (
                                has(asks.operands, found[asks.field])
                                -- Numbers are equal by value, however they are written; a text is never a number, whatever its digits.
                                OR (has(asks.numbers, toFloat64OrZero(found[asks.field])) AND arrayExists(
                                    field -> multiIf(
                                        field[1] = 'revenue', found[asks.field] != '',
                                        length(field) = 2, JSONType(if(field[1] = 'context', context, properties), field[2]) IN ('Int64', 'UInt64', 'Double'),
                                        length(field) > 2, JSONType(if(field[1] = 'context', context, properties), field[2], field[3]) IN ('Int64', 'UInt64', 'Double'),
                                        false
                                    ),
                                    [tupleElement(r, 'fields')[asks.field]]
                                ))
                            ),
                            asks.operator = 'contains', arrayExists(operand -> position(found[asks.field], operand) > 0, asks.operands),
                            asks.operator = 'set', found[asks.field] != '',
                            asks.operator = 'unset', found[asks.field] = '',
                            found[asks.field] = '', false,
                            toFloat64OrNull(asks.operands[1]) IS NULL, multiIf(
                                asks.operator = '<', found[asks.field] < asks.operands[1],
                                asks.operator = '<=', found[asks.field] <= asks.operands[1],
                                asks.operator = '>', found[asks.field] > asks.operands[1],
                                found[asks.field] >= asks.operands[1]
                            ),
                            ifNull(multiIf(
                                asks.operator = '<', toFloat64OrNull(found[asks.field]) < toFloat64OrNull(asks.operands[1]),
                                asks.operator = '<=', toFloat64OrNull(found[asks.field]) <= toFloat64OrNull(asks.operands[1]),
                                asks.operator = '>', toFloat64OrNull(found[asks.field]) > toFloat64OrNull(asks.operands[1]),
                                toFloat64OrNull(found[asks.field]) >= toFloat64OrNull(asks.operands[1])
                            ), false)
                        ),
                        one.conditions
                    ),
                    tupleElement(r, 'asked')
                )
            ) AS met
        FROM looked
        WHERE tupleElement(r, 'subject_is') != 'value' OR found[tupleElement(r, 'counted')] != ''
    ),
    asked AS
    (
        SELECT
            project,
            person,
            toUnixTimestamp64Milli(occurred_at) AS at_ms,
            id_order,
            id,
            met,
            met[-1]
                AND ({from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL OR occurred_at >= {from_at:Nullable(DateTime64(3, 'UTC'))})
                AND ({to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL OR occurred_at < {to_at:Nullable(DateTime64(3, 'UTC'))}) AS is_kept,
            if(empty(tupleElement(r, 'held')), CAST([], 'Array(String)'), arrayMap(i -> found[i], tupleElement(r, 'held'))) AS held,
            if(tupleElement(r, 'breakdown_field') = 0, '', found[tupleElement(r, 'breakdown_field')]) AS value,
            if(tupleElement(r, 'subject_is') = 'session', multiIf(channel IN ('web', 'search', 'social', 'ads'), 'web', channel IN ('email', 'sms', 'push', 'mail'), 'message', toString(channel)), '') AS family,
            if(tupleElement(r, 'subject_is') = 'journey', dictGet('parcours.kind_of', 'conversion', if(dictHas('parcours.kind_of', (project, name)), (project, name), ('', name))), 0) AS is_end,
            if(tupleElement(r, 'subject_is') = 'value', found[tupleElement(r, 'counted')], '') AS subject
        FROM met_by
        WHERE tupleElement(r, 'needs_history') OR is_kept
    ),
    gathered AS
    (
        SELECT
            project,
            person,
            subject,
            arraySort(
                touch -> (touch.at, touch.id_order),
                groupArray(CAST(
                    (at_ms, id_order, id, met, tupleElement(r, 'ties_any') AND NOT arrayExists(flag -> flag, arraySlice(met, 1, tupleElement(r, 'step_count'))), is_kept, held, value, family, is_end),
                    'Tuple(at Int64, id_order UInt128, id UUID, met Array(Bool), is_foreign Bool, is_kept Bool, held Array(String), value String, family String, is_end Bool)'
                ))
            ) AS told
        FROM asked
        GROUP BY
            project,
            person,
            subject
    ),
    lives AS
    (
        SELECT
            project,
            person,
            subject,
            if(NOT tupleElement(r, 'has_first_ever'), told, arrayMap(
                (touch, place) -> CAST((touch.at, touch.id_order, touch.id, arrayMap((flag, is_first_only, first_place) -> flag AND (NOT is_first_only OR first_place = place), touch.met, arrayResize(tupleElement(r, 'first_ever'), length(touch.met), false), first_places), touch.is_foreign, touch.is_kept, touch.held, touch.value, touch.family, touch.is_end), 'Tuple(at Int64, id_order UInt128, id UUID, met Array(Bool), is_foreign Bool, is_kept Bool, held Array(String), value String, family String, is_end Bool)'),
                told, arrayEnumerate(told)
            )) AS life
        FROM
        (
            SELECT
                *,
                if(NOT tupleElement(r, 'has_first_ever'), [], arrayMap(k -> arrayFirstIndex(touch -> touch.met[k], told), arrayEnumerate(tupleElement(r, 'asked')))) AS first_places
            FROM gathered
        )
    ),
    -- Lives cut into what is counted: as touchpoints_resolved numbers sessions and journeys.
    parts AS
    (
        SELECT
            project,
            person,
            arrayJoin(multiIf(
                tupleElement(r, 'subject_is') = 'journey', arrayMap(
                    (walk, number) -> (toString(number), walk),
                    arraySplit((touch, pause, ended) -> ended OR pause > dictGet('parcours.project_settings', 'journey_gap_seconds', project) * 1000, life, arrayDifference(life.at), arrayPopBack(arrayPushFront(life.is_end, false))) AS journeys,
                    arrayEnumerate(journeys)
                ),
                tupleElement(r, 'subject_is') = 'session', arrayMap(
                    (walk, number) -> (toString(number), walk),
                    arraySort(walk -> (walk[1].at, walk[1].id_order), arraySplit(
                        (touch, pause, before) -> touch.family != before OR pause > dictGet('parcours.project_settings', 'session_gap_seconds', project) * 1000,
                        arraySort(touch -> (touch.family, touch.at, touch.id_order), life) AS by_family, arrayDifference(by_family.at), arrayPopBack(arrayPushFront(by_family.family, ''))
                    )) AS sessions,
                    arrayEnumerate(sessions)
                ),
                [(subject, life)]
            )) AS part
        FROM lives
    ),
    counted_apart AS
    (
        SELECT
            project,
            person,
            part.1 AS counted,
            if(tupleElement(r, 'needs_history'), arrayFilter(touch -> touch.is_kept, part.2), part.2) AS kept,
            if(tupleElement(r, 'resolution_ms') = 1, kept, arrayMap(
                touch -> CAST((intDiv(touch.at, tupleElement(r, 'resolution_ms')) * tupleElement(r, 'resolution_ms'), touch.id_order, touch.id, touch.met, touch.is_foreign, touch.is_kept, touch.held, touch.value, touch.family, touch.is_end), 'Tuple(at Int64, id_order UInt128, id UUID, met Array(Bool), is_foreign Bool, is_kept Bool, held Array(String), value String, family String, is_end Bool)'),
                kept
            )) AS walk
        FROM parts
    ),
    -- A walk for each value that is held. What has another is no step there; it still excludes, or passes by in strict order, unless it carries another value of a held property.
    held_apart AS
    (
        SELECT
            project,
            person,
            counted,
            arrayJoin(if(empty(tupleElement(r, 'held')), [walk], arrayMap(
                values -> arrayMap(
                    touch -> if(touch.held = values, touch, CAST((touch.at, touch.id_order, touch.id, arrayMap((flag, k) -> flag AND k > tupleElement(r, 'step_count'), touch.met, arrayEnumerate(touch.met)), tupleElement(r, 'ties_any'), touch.is_kept, touch.held, touch.value, touch.family, touch.is_end), 'Tuple(at Int64, id_order UInt128, id UUID, met Array(Bool), is_foreign Bool, is_kept Bool, held Array(String), value String, family String, is_end Bool)')),
                    arrayFilter(
                        touch -> touch.held = values OR (
                            (tupleElement(r, 'strict') OR arrayExists(flag -> flag, arraySlice(touch.met, tupleElement(r, 'step_count') + 1, length(tupleElement(r, 'barred')))))
                            AND NOT arrayExists((one, value, i) -> one != '' AND one != value AND length(tupleElement(r, 'fields')[i]) > 1, touch.held, values, tupleElement(r, 'held'))
                        ),
                        walk
                    )
                ),
                arrayFilter(values -> NOT has(values, ''), arrayDistinct(walk.held))
            ))) AS unsorted_run,
            if(NOT tupleElement(r, 'ties_any') AND tupleElement(r, 'resolution_ms') = 1, unsorted_run, arraySort(touch -> (touch.at, touch.is_foreign, touch.id_order), unsorted_run)) AS run
        FROM counted_apart
    ),
    broken_down AS
    (
        SELECT
            project,
            person,
            counted,
            arrayJoin(multiIf(
                tupleElement(r, 'breakdown_by') IN ('', 'attempt'), [('', run)],
                tupleElement(r, 'breakdown_by') = 'each_value', arrayMap(one -> (one, arrayFilter(touch -> touch.value = one, run)), arrayDistinct(run.value)),
                tupleElement(r, 'breakdown_by') = 'step', arrayMap(
                    one -> (one, arrayMap(touch -> CAST((touch.at, touch.id_order, touch.id, if(touch.value = one, touch.met, arrayMap((flag, k) -> flag AND k != tupleElement(r, 'breakdown_step'), touch.met, arrayEnumerate(touch.met))), touch.is_foreign, touch.is_kept, touch.held, touch.value, touch.family, touch.is_end), 'Tuple(at Int64, id_order UInt128, id UUID, met Array(Bool), is_foreign Bool, is_kept Bool, held Array(String), value String, family String, is_end Bool)'), run)),
                    arrayDistinct(arrayFilter(touch -> touch.met[tupleElement(r, 'breakdown_step')], run).value)
                ),
                [(arrayElement(arrayFilter(touch -> arrayExists(flag -> flag, arraySlice(touch.met, 1, tupleElement(r, 'step_count'))), run).value, if(tupleElement(r, 'breakdown_by') = 'first_touch', 1, -1)), run)]
            )) AS chosen
        FROM held_apart
        WHERE arrayExists(touch -> arrayExists(flag -> flag, arraySlice(touch.met, 1, if(tupleElement(r, 'any_order'), tupleElement(r, 'step_count'), 1))), run)
    ),
    chosen_apart AS
    (
        SELECT
            project,
            person,
            counted,
            chosen.1 AS breakdown_value,
            if(tupleElement(r, 'strict') OR NOT tupleElement(r, 'needs_all') AND tupleElement(r, 'breakdown_by') != 'step', chosen.2, arrayFilter(touch -> arrayExists(flag -> flag, arrayPopBack(touch.met)), chosen.2)) AS asked_walk
        FROM broken_down
    ),
    distinct_walks AS
    (
        SELECT
            * EXCEPT (asked_walk),
            if(tupleElement(r, 'resolution_ms') = 1, asked_walk, arrayFilter((touch, time_seen) -> time_seen = 1 OR touch.is_foreign, asked_walk, arrayEnumerateUniq(asked_walk.at, arrayMap(flags -> toString(flags), asked_walk.met)))) AS walk
        FROM chosen_apart
    ),
    -- Where touchpoints of one instant, or of the grace, may go any way round, those before are told again after each: late, they take an attempt further and do nothing else.
    -- Only what the touchpoints of this instant have taken to a step can go on, so as many turns follow as steps after theirs can be done without a gap, and only what is such a
    -- step is told. Where steps are optional, attempts may stand in each other's way: as many turns as there are steps to go.
    grouped AS
    (
        SELECT
            *,
            NOT tupleElement(r, 'ties_any') OR tupleElement(r, 'any_order') OR NOT arrayExists((pause, place) -> pause <= tupleElement(r, 'grace_ms') AND place > 1, arrayDifference(walk.at), arrayEnumerate(walk)) AS is_plain,
            if(is_plain, [], arrayMap(
                (touch, place, run_place, next_at) -> if(
                    run_place = place OR next_at = touch.at, [],
                    arrayFilter(one -> touch.at - one.at <= tupleElement(r, 'grace_ms') AND NOT one.is_foreign, arraySlice(walk, run_place, place + 1 - run_place))
                ),
                walk, arrayEnumerate(walk),
                arrayFill((place, pause) -> place = 1 OR pause > tupleElement(r, 'grace_ms'), arrayEnumerate(walk), arrayDifference(walk.at)),
                arrayPopFront(arrayPushBack(walk.at, toInt64(9223372036854775807)))
            )) AS before
        FROM distinct_walks
    ),
    sequences AS
    (
        SELECT
            project,
            person,
            counted,
            breakdown_value,
            if(
                is_plain,
                arrayMap(touch -> (touch, false), walk),
                arrayFlatten(arrayMap(
                    (touch, earlier) -> (
                        -- For every step, how many steps before it are done in a row after one of this instant; 0 = it cannot be reached so.
                        if(tupleElement(r, 'has_optional'), tupleElement(r, 'places'), arrayPopFront(arrayFold(
                            (runs, k) -> arrayPushBack(runs, multiIf(
                                k = 1, 0,
                                NOT arrayExists(one -> one.met[k], earlier), 0,
                                runs[-1] > 0 OR arrayExists(one -> one.at = touch.at AND one.met[k - 1], earlier), runs[-1] + 1,
                                0
                            )),
                            tupleElement(r, 'places'), [toUInt64(0)]
                        ))) AS runs,
                        arrayMap(one -> (one, true), arrayFilter(one -> arrayExists((run, flag) -> run > 0 AND flag, runs, arraySlice(one.met, 1, tupleElement(r, 'step_count'))), earlier)) AS again,
                        arrayConcat([(touch, false)], arrayFlatten(arrayMap(turn -> again, range(1, if(tupleElement(r, 'has_optional'), tupleElement(r, 'step_count'), arrayMax(runs) + 1)))))
                    ).3,
                    walk, before
                ))
            ) AS sequence
        FROM grouped
    ),
    asked_in_order AS
    (
        SELECT
            project,
            person,
            counted,
            breakdown_value,
            arrayMap(step -> (step.1.at, step.1.id, step.1.value), sequence) AS touches,
            arrayMap(step -> arraySlice(step.1.met, 1, tupleElement(r, 'step_count')), sequence) AS mets,
            -- For every step reached: whether the touchpoint ends an attempt there: 1 = it is passed by in strict order, 2 = excluded.
            multiIf(
                empty(tupleElement(r, 'barred')) AND NOT tupleElement(r, 'strict'), arrayMap(met -> CAST([], 'Array(UInt8)'), mets),
                arrayMap(
                    (step, met) -> if(step.2, arrayResize(CAST([], 'Array(UInt8)'), tupleElement(r, 'step_count'), 0), arrayMap(
                        (k, nexts) -> toUInt8(multiIf(
                            arrayExists((range, flag) -> flag AND (tupleElement(r, 'any_order') OR (range.1 <= k AND k < range.2)), tupleElement(r, 'barred'), arraySlice(step.1.met, tupleElement(r, 'step_count') + 1, length(tupleElement(r, 'barred')))), 2,
                            tupleElement(r, 'strict') AND NOT arrayExists(next -> met[next], nexts) AND NOT (tupleElement(r, 'may_go_back') AND arrayExists(flag -> flag, arraySlice(met, 1, k))), 1,
                            0
                        )),
                        tupleElement(r, 'places'), tupleElement(r, 'nexts')
                    )),
                    sequence, mets
                )
            ) AS ends,
            sequence.2 AS lates
        FROM sequences
    ),
    folded AS
    (
        SELECT
            project,
            person,
            counted,
            breakdown_value,
            if(
                tupleElement(r, 'any_order'),
                -- An attempt holds the last touchpoint of each step; a complete one is put away when the next touchpoint comes, or at the end.
                arrayFold(
                    (state, touch, met, end) -> (
                        arrayFilter(one -> notEmpty(one.3), state.1) AS waiting,
                        length(waiting) = tupleElement(r, 'step_count') AS is_complete,
                        notEmpty(waiting) AND touch.1 - arrayMin(waiting.1) > tupleElement(r, 'window_ms') AS is_over,
                        notEmpty(waiting) AND notEmpty(end) AND end[1] = 2 AND touch.1 > arrayMax(waiting.1) AS is_excluded,
                        arrayMap(one -> if(is_complete OR is_excluded OR (is_over AND (tupleElement(r, 'counts_attempts') OR touch.1 - one.1 > tupleElement(r, 'window_ms'))), (toInt64(0), toInt64(0), CAST([], 'Array(Tuple(Int64, UUID, String))')), one), state.1) AS kept,
                        (
                            arrayMap(
                                (one, k, taken) -> if(k = taken, (touch.1, touch.1, [touch]), one),
                                kept, tupleElement(r, 'places'),
                                arrayResize([], tupleElement(r, 'step_count'), coalesce(nullIf(arrayFirstIndex((flag, one) -> flag AND empty(one.3), met, kept), 0), if(tupleElement(r, 'only_first'), 0, arrayFirstIndex(flag -> flag, met))))
                            ),
                            if(
                                (is_complete OR is_over OR (is_excluded AND NOT tupleElement(r, 'drops_person'))) AND (NOT tupleElement(r, 'needs_first') OR notEmpty(state.1[1].3)) AND (tupleElement(r, 'keeps_all') OR empty(state.2) OR length(waiting) > state.2[-1].1),
                                arrayPushBack(state.2, (toUInt16(length(waiting)), false, arraySort(arrayFlatten(waiting.3)))),
                                state.2
                            )
                        )
                    ).6,
                    touches, mets, ends,
                    (arrayMap(k -> (toInt64(0), toInt64(0), CAST([], 'Array(Tuple(Int64, UUID, String))')), tupleElement(r, 'places')), CAST([], 'Array(Tuple(UInt16, Bool, Array(Tuple(Int64, UUID, String))))'))
                ),
                -- In the place of each step waits the attempt that has reached it and began last: (began, reached it, its touchpoints).
                arrayFold(
                    (state, touch, met, end, is_late) -> (
                        arrayMap((one, ending) -> notEmpty(one.3) AND (touch.1 - one.1 > tupleElement(r, 'window_ms') OR (ending > 0 AND (touch.1 > one.2 OR NOT tupleElement(r, 'ties_any')))), state.1, arrayResize(end, tupleElement(r, 'step_count'), 0)) AS overs,
                        -- For every step, the step whose attempt goes on to it; 0 = none.
                        arrayMap(
                            (k, wishes) -> arrayLastIndex(wish -> wish = k, wishes),
                            tupleElement(r, 'places'),
                            arrayResize([], tupleElement(r, 'step_count'), arrayMap(
                                (one, is_over, nexts) -> if(notEmpty(one.3) AND NOT is_over AND NOT (is_late AND has(one.3, touch)), arrayFirst(next -> met[next] AND touch.1 - one.2 <= tupleElement(r, 'withins_ms')[next], nexts), toUInt16(0)),
                                state.1, overs, tupleElement(r, 'nexts')
                            ))
                        ) AS froms,
                        met[1] AND NOT is_late
                            AND NOT arrayExists((one, is_over, ending) -> is_over AND ending = 2 AND touch.1 - one.1 <= tupleElement(r, 'window_ms'), state.1, overs, arrayResize(end, tupleElement(r, 'step_count'), 0))
                            AND (NOT tupleElement(r, 'only_first') OR (arrayAll((one, is_over) -> is_over OR empty(one.3), state.1, overs) AND (tupleElement(r, 'keeps_all') OR (empty(state.2) AND NOT has(overs, true))))) AS begins,
                        (
                            arrayMap(
                                (one, is_over, from, k, is_left) -> multiIf(
                                    k < tupleElement(r, 'step_count') AND from > 0, (state.1[from].1, greatest(state.1[from].2, touch.1), arrayPushBack(arrayResize(state.1[from].3, k - 1), touch)),
                                    k = 1 AND k < tupleElement(r, 'step_count') AND begins, (touch.1, touch.1, [touch]),
                                    is_over OR is_left, (toInt64(0), toInt64(0), CAST([], 'Array(Tuple(Int64, UUID, String))')),
                                    one
                                ),
                                state.1, overs, froms, tupleElement(r, 'places'), arrayMap(k -> has(froms, k), tupleElement(r, 'places'))
                            ),
                            arrayConcat(
                                state.2,
                                arrayFilter(
                                    one -> one.1 > 0 AND (tupleElement(r, 'keeps_all') OR empty(state.2) OR one.1 > state.2[-1].1 OR (one.1 = state.2[-1].1 AND state.2[-1].2 AND NOT one.2)),
                                    arrayMap(
                                        (one, is_over, from, ending, k) -> multiIf(
                                            k = tupleElement(r, 'step_count') AND from > 0, (k, false, arrayPushBack(arrayResize(state.1[from].3, k - 1), touch)),
                                            k = tupleElement(r, 'step_count') AND k = 1 AND begins, (k, false, [touch]),
                                            is_over OR (tupleElement(r, 'keeps_all') AND notEmpty(one.3) AND NOT has(froms, k) AND if(k = 1, begins, from > 0)),
                                            (toUInt16(length(one.3)), tupleElement(r, 'drops_person') AND is_over AND ending = 2 AND touch.1 - one.1 <= tupleElement(r, 'window_ms'), one.3),
                                            (toUInt16(0), false, one.3)
                                        ),
                                        state.1, overs, froms, arrayResize(end, tupleElement(r, 'step_count'), 0), tupleElement(r, 'places')
                                    )
                                )
                            )
                        )
                    ).4,
                    touches, mets, ends, lates,
                    (arrayMap(k -> (toInt64(0), toInt64(0), CAST([], 'Array(Tuple(Int64, UUID, String))')), tupleElement(r, 'places')), CAST([], 'Array(Tuple(UInt16, Bool, Array(Tuple(Int64, UUID, String))))'))
                )
            ) AS state
        FROM asked_in_order
    ),
    ended AS
    (
        SELECT
            project,
            person,
            counted,
            breakdown_value,
            arrayFilter(one -> notEmpty(one.3), state.1) AS waiting,
            arrayConcat(
                state.2,
                multiIf(
                    NOT tupleElement(r, 'any_order'), arrayMap(one -> (toUInt16(length(one.3)), false, one.3), waiting),
                    empty(waiting) OR (tupleElement(r, 'needs_first') AND empty(state.1[1].3)), [],
                    [(toUInt16(length(waiting)), false, arraySort(arrayFlatten(waiting.3)))]
                )
            ) AS attempts
        FROM folded
    ),
    told AS
    (
        SELECT
            project,
            person,
            counted,
            attempt.1 AS reached,
            attempt.2 AS is_dropped,
            attempt.3 AS steps_taken,
            place,
            if(tupleElement(r, 'breakdown_by') = 'attempt', if(tupleElement(r, 'breakdown_step') <= reached, steps_taken[tupleElement(r, 'breakdown_step')].3, ''), breakdown_value) AS value,
            fromUnixTimestamp64Milli(steps_taken[1].1, 'UTC') AS entered_at,
            multiIf(
                tupleElement(r, 'interval') = '', NULL,
                tupleElement(r, 'interval') = 'hour', toDateTime64(toStartOfHour(entered_at, tupleElement(r, 'timezone')), 3, 'UTC'),
                tupleElement(r, 'interval') = 'day', toDateTime64(toStartOfDay(entered_at, tupleElement(r, 'timezone')), 3, 'UTC'),
                tupleElement(r, 'interval') = 'week', toDateTime64(toDateTime(toMonday(entered_at, tupleElement(r, 'timezone')), tupleElement(r, 'timezone')), 3, 'UTC'),
                toDateTime64(toDateTime(toStartOfMonth(entered_at, tupleElement(r, 'timezone')), tupleElement(r, 'timezone')), 3, 'UTC')
            ) AS period_at
        FROM ended
        ARRAY JOIN
            attempts AS attempt,
            arrayEnumerate(attempts) AS place
    ),
    ranked AS
    (
        SELECT
            *,
            if(tupleElement(r, 'counts_attempts'), 1, row_number() OVER (PARTITION BY project, person, counted, value, period_at ORDER BY reached DESC, is_dropped, place)) AS rank
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
        toDateTime64(toDateTime(multiIf(tupleElement(r, 'interval') = 'day', addDays(toDate(period_at, tupleElement(r, 'timezone')), 1), tupleElement(r, 'interval') = 'week', addDays(toDate(period_at, tupleElement(r, 'timezone')), 7), addMonths(toDate(period_at, tupleElement(r, 'timezone')), 1)), tupleElement(r, 'timezone')), 3, 'UTC')
    ) + toIntervalMillisecond(tupleElement(r, 'window_ms')) <= least(now64(3, 'UTC'), ifNull({to_at:Nullable(DateTime64(3, 'UTC'))}, now64(3, 'UTC'))) AS is_complete,
    entered_at,
    reached,
    arrayMap(step -> if(step.2 = toUUID('00000000-0000-0000-0000-000000000000'), NULL, fromUnixTimestamp64Milli(step.1, 'UTC')), steps_taken) AS step_times,
    arrayMap(
        (step, before_ms) -> if(step.2 = toUUID('00000000-0000-0000-0000-000000000000'), NULL, greatest(step.1 - before_ms, 0) / 1000),
        steps_taken, arrayPopBack(arrayPushFront(arrayFill(step -> step.2 != toUUID('00000000-0000-0000-0000-000000000000'), steps_taken).1, steps_taken[1].1))
    ) AS seconds_from_previous,
    steps_taken.2 AS touchpoint_ids
FROM ranked
WHERE rank = 1
  AND NOT is_dropped
