-- The pass behind `funnel_attempts`: every life walked once under rules that are already read. Ask `funnel_attempts`, which says what the columns and the rule are.
-- Not counted: anybody, under rules that `funnel_asked` says is_stepped of: `funnel_stepped` finds the same attempts, several times as fast.
-- Grain: one row an attempt that counts; keys are those of `funnel_attempts`.
-- Parameters: r, what `funnel_asked` makes of steps and rules, so that it is worked out once and the engine leaves out whatever these rules do not need; project,
--   from_at and to_at may be left out.
CREATE OR REPLACE VIEW funnel_walked AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool)} AS r,
    -- The fields that the rules look at: those that are columns first, then those in properties, then those in context; JSON is read once for each.
    looked AS
    (
        SELECT
            project,
            if(tupleElement(r, 'subject_is') = 'value', 0, person_id) AS person,
            name,
            channel,
            occurred_at,
            id_order,
            if(has(tupleElement(r, 'columns'), 'place'), coalesce(nullIf(JSONExtractString(properties, 'store_id'), ''), nullIf(JSONExtractString(context, 'store_id'), ''), toString(channel)), '') AS place,
            if(empty(tupleElement(r, 'columns')), CAST([], 'Array(String)'), arrayMap(
                field -> multiIf(
                    field = 'name', toString(name),
                    field = 'channel', toString(channel),
                    field = 'source', toString(source),
                    field = 'currency', toString(currency),
                    field = 'revenue', ifNull(toString(revenue), ''),
                    place
                ),
                tupleElement(r, 'columns')
            )) AS found_columns,
            arrayConcat(
                if(empty(tupleElement(r, 'in_properties')), CAST([], 'Array(String)'), arrayMap(path -> if(length(path) = 1, JSONExtractRaw(properties, path[1]), JSONExtractRaw(properties, path[1], path[2])), tupleElement(r, 'in_properties'))),
                if(empty(tupleElement(r, 'in_context')), CAST([], 'Array(String)'), arrayMap(path -> if(length(path) = 1, JSONExtractRaw(context, path[1]), JSONExtractRaw(context, path[1], path[2])), tupleElement(r, 'in_context')))
            ) AS found_raw,
            arrayConcat(found_columns, arrayMap(raw -> multiIf(startsWith(raw, '"'), JSONExtractString(raw), raw = 'null', '', raw), found_raw)) AS found
        FROM parcours.touchpoints_unique
        WHERE NOT tupleElement(r, 'is_stepped')
          AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
          AND (tupleElement(r, 'needs_all') OR has(tupleElement(r, 'names'), name))
          AND (tupleElement(r, 'subject_is') = 'value' OR person_id != 0)
    ),
    -- Which conditions hold, each asked once.
    tested AS
    (
        SELECT
            *,
            if(empty(tupleElement(r, 'tests')), CAST([], 'Array(Bool)'), arrayMap(
                (test, text, is_number) -> multiIf(
                    -- Numbers are equal by value, however they are written; a text is never a number, whatever its digits.
                    test.operator IN ('=', '!='), (test.operator = '=') = (has(test.operands, text) OR (is_number AND has(test.numbers, toFloat64OrZero(text)))),
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
                arrayMap(field -> found[field], tupleElement(r, 'tests').field),
                if(
                    tupleElement(r, 'compares_numbers'),
                    arrayMap(field -> arrayConcat(arrayMap((column, text) -> column = 'revenue' AND text != '', tupleElement(r, 'columns'), found_columns), arrayMap(raw -> match(raw, '^[-0-9]'), found_raw))[field], tupleElement(r, 'tests').field),
                    arrayMap(field -> false, tupleElement(r, 'tests'))
                )
            )) AS passed
        FROM looked
        WHERE tupleElement(r, 'subject_is') != 'value' OR found[tupleElement(r, 'counted')] != ''
    ),
    -- What each touchpoint is: met has a flag a step, one an exclusion, and whether it counts at all.
    met_by AS
    (
        SELECT
            *,
            if(
                empty(tupleElement(r, 'tests')),
                arrayMap(one -> empty(one.names) OR has(one.names, name), tupleElement(r, 'asked')),
                arrayMap(one -> (empty(one.names) OR has(one.names, name)) AND arrayAll(test -> passed[test], one.tests), tupleElement(r, 'asked'))
            ) AS met
        FROM tested
    ),
    asked AS
    (
        SELECT
            project,
            person,
            toUnixTimestamp64Milli(occurred_at) AS at_ms,
            id_order,
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
        WHERE (tupleElement(r, 'needs_history') OR is_kept)
          AND (tupleElement(r, 'strict') OR tupleElement(r, 'subject_is') IN ('session', 'journey') OR has(arrayPopBack(met), true))
    ),
    -- A fold goes over a block once for each touchpoint of its longest life, so a block has thousands of lives, not those of one in 256 buckets.
    gathered AS
    (
        SELECT
            project,
            person,
            subject,
            arraySort(
                touch -> (touch.at, touch.id_order),
                arrayMap(
                    (touch, held, value, family) -> CAST((touch.1, touch.2, touch.3, touch.4, touch.5, held, value, family, touch.6), 'Tuple(at Int64, id_order UInt128, met Array(Bool), is_foreign Bool, is_kept Bool, held Array(String), value String, family String, is_end Bool)'),
                    groupArray((at_ms, id_order, met, tupleElement(r, 'ties_any') AND NOT has(arraySlice(met, 1, tupleElement(r, 'step_count')), true), is_kept, is_end)) AS touches,
                    if(empty(tupleElement(r, 'held')), arrayResize(CAST([], 'Array(Array(String))'), length(touches)), groupArray(held)),
                    if(tupleElement(r, 'breakdown_field') = 0, arrayResize(CAST([], 'Array(String)'), length(touches)), groupArray(value)),
                    if(tupleElement(r, 'subject_is') != 'session', arrayResize(CAST([], 'Array(String)'), length(touches)), groupArray(family))
                )
            ) AS told
        FROM asked
        GROUP BY
            project,
            person,
            subject
        SETTINGS
            group_by_two_level_threshold = 0,
            group_by_two_level_threshold_bytes = 0,
            max_block_size = 8192
    ),
    lives AS
    (
        SELECT
            project,
            person,
            subject,
            if(NOT tupleElement(r, 'has_first_ever'), told, arrayMap(
                (touch, place) -> CAST((touch.at, touch.id_order, arrayMap((flag, is_first_only, first_place) -> flag AND (NOT is_first_only OR first_place = place), touch.met, arrayResize(tupleElement(r, 'first_ever'), length(touch.met), false), first_places), touch.is_foreign, touch.is_kept, touch.held, touch.value, touch.family, touch.is_end), 'Tuple(at Int64, id_order UInt128, met Array(Bool), is_foreign Bool, is_kept Bool, held Array(String), value String, family String, is_end Bool)'),
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
                    arraySplit((touch, pause, ended) -> ended OR pause > dictGet('parcours.project_settings', 'journey_gap_seconds', project) * 1000, life, arrayDifference(life.at), arrayShiftRight(life.is_end, 1, false)) AS journeys,
                    arrayEnumerate(journeys)
                ),
                tupleElement(r, 'subject_is') = 'session', arrayMap(
                    (walk, number) -> (toString(number), walk),
                    arraySort(walk -> (walk[1].at, walk[1].id_order), arraySplit(
                        (touch, pause, before) -> touch.family != before OR pause > dictGet('parcours.project_settings', 'session_gap_seconds', project) * 1000,
                        arraySort(touch -> (touch.family, touch.at, touch.id_order), life) AS by_family, arrayDifference(by_family.at), arrayShiftRight(by_family.family, 1, '')
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
                touch -> CAST((touch.at - positiveModulo(touch.at, tupleElement(r, 'resolution_ms')), touch.id_order, touch.met, touch.is_foreign, touch.is_kept, touch.held, touch.value, touch.family, touch.is_end), 'Tuple(at Int64, id_order UInt128, met Array(Bool), is_foreign Bool, is_kept Bool, held Array(String), value String, family String, is_end Bool)'),
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
                    touch -> if(touch.held = values, touch, CAST((touch.at, touch.id_order, arrayMap((flag, k) -> flag AND k > tupleElement(r, 'step_count'), touch.met, arrayEnumerate(touch.met)), tupleElement(r, 'ties_any'), touch.is_kept, touch.held, touch.value, touch.family, touch.is_end), 'Tuple(at Int64, id_order UInt128, met Array(Bool), is_foreign Bool, is_kept Bool, held Array(String), value String, family String, is_end Bool)')),
                    arrayFilter(
                        touch -> touch.held = values OR (
                            (tupleElement(r, 'strict') OR arrayExists(flag -> flag, arraySlice(touch.met, tupleElement(r, 'step_count') + 1, length(tupleElement(r, 'barred')))))
                            AND NOT arrayExists((one, value, i) -> one != '' AND one != value AND i > length(tupleElement(r, 'columns')), touch.held, values, tupleElement(r, 'held'))
                        ),
                        walk
                    )
                ),
                arrayFilter(values -> NOT has(values, ''), arrayDistinct(walk.held))
            ))) AS unsorted_run,
            -- Within a time that was cut, too, the true order stands.
            if(NOT tupleElement(r, 'ties_any'), unsorted_run, arraySort((touch, place) -> (touch.at, touch.is_foreign, place), unsorted_run, arrayEnumerate(unsorted_run))) AS run
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
                    one -> (one, arrayMap(touch -> CAST((touch.at, touch.id_order, if(touch.value = one, touch.met, arrayMap((flag, k) -> flag AND k != tupleElement(r, 'breakdown_step'), touch.met, arrayEnumerate(touch.met))), touch.is_foreign, touch.is_kept, touch.held, touch.value, touch.family, touch.is_end), 'Tuple(at Int64, id_order UInt128, met Array(Bool), is_foreign Bool, is_kept Bool, held Array(String), value String, family String, is_end Bool)'), run)),
                    arrayDistinct(arrayFilter(touch -> touch.met[tupleElement(r, 'breakdown_step')], run).value)
                ),
                [(arrayElement(arrayFilter(touch -> touch.value != '' AND arrayExists(flag -> flag, arraySlice(touch.met, 1, tupleElement(r, 'step_count'))), run).value, if(tupleElement(r, 'breakdown_by') = 'first_touch', 1, -1)), run)]
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
            if(tupleElement(r, 'resolution_ms') = 1, asked_walk, arrayFilter((touch, time_seen) -> time_seen = 1 OR NOT has(arraySlice(touch.met, 1, tupleElement(r, 'step_count')), true), asked_walk, arrayEnumerateUniq(asked_walk.at, arrayMap(flags -> toString(flags), asked_walk.met)))) AS walk
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
    -- A touchpoint is one number from here on: its time (from long before 1970), its id, and which of the words its value is; 0 = a step that was left out. So numbers are in the
    -- order of touchpoints. Its flags say for every step: 1 = it is the step, 2 = it passes an attempt there by in strict order, 4 = it excludes it, 8 = an attempt there is complete.
    asked_in_order AS
    (
        SELECT
            project,
            person,
            counted,
            breakdown_value,
            if(tupleElement(r, 'breakdown_by') != 'attempt', [], arrayDistinct(sequence.1.value)) AS words,
            sequence.1.at AS times,
            arrayMap(
                (at, id_order, word) -> bitShiftLeft(toUInt256(at + 4611686018427387904), 192) + bitShiftLeft(toUInt256(id_order), 64) + word,
                times, sequence.1.id_order, if(tupleElement(r, 'breakdown_by') != 'attempt', arrayResize(CAST([], 'Array(UInt32)'), length(times)), arrayEnumerateDense(sequence.1.value))
            ) AS touches,
            sequence.2 AS lates,
            if(
                empty(tupleElement(r, 'barred')) AND NOT tupleElement(r, 'strict'),
                arrayMap(met -> arrayMap((flag, at_end) -> toUInt8(flag + at_end), arraySlice(met, 1, tupleElement(r, 'step_count')), tupleElement(r, 'at_ends')), sequence.1.met),
                arrayMap(
                    (met, is_late) -> arrayMap(
                        (flag, at_end, k, nexts) -> toUInt8(flag + at_end + multiIf(
                            is_late, 0,
                            arrayExists((range, is_barred) -> is_barred AND (tupleElement(r, 'any_order') OR (range.1 <= k AND k < range.2)), tupleElement(r, 'barred'), arraySlice(met, tupleElement(r, 'step_count') + 1, length(tupleElement(r, 'barred')))), 4,
                            tupleElement(r, 'strict') AND NOT arrayExists(next -> met[next], nexts) AND NOT (tupleElement(r, 'may_go_back') AND arrayExists(is_step -> is_step, arraySlice(met, 1, k))), 2,
                            0
                        )),
                        arraySlice(met, 1, tupleElement(r, 'step_count')), tupleElement(r, 'at_ends'), tupleElement(r, 'places'), tupleElement(r, 'nexts')
                    ),
                    sequence.1.met, lates
                )
            ) AS flags_of
        FROM sequences
    ),
    folded AS
    (
        SELECT
            project,
            person,
            counted,
            breakdown_value,
            words,
            if(
                tupleElement(r, 'any_order'),
                -- An attempt holds the last touchpoint of each step; a complete one is put away when the next touchpoint comes, or at the end.
                arrayFold(
                    (state, touch, at, flags) -> (
                        arrayFilter(one -> one > 0, state.1) AS waiting,
                        length(waiting) = tupleElement(r, 'step_count') AS is_complete,
                        notEmpty(waiting) AND at - (toInt64(bitShiftRight(arrayMin(waiting), 192)) - 4611686018427387904) > tupleElement(r, 'window_ms') AS is_over,
                        notEmpty(waiting) AND flags[1] >= 4 AND at > toInt64(bitShiftRight(arrayMax(waiting), 192)) - 4611686018427387904 AS is_excluded,
                        arrayMap(one -> if(is_complete OR is_excluded OR (is_over AND (tupleElement(r, 'counts_attempts') OR at - (toInt64(bitShiftRight(one, 192)) - 4611686018427387904) > tupleElement(r, 'window_ms'))), toUInt256(0), one), state.1) AS kept,
                        (
                            arrayMap(
                                (one, k, taken) -> if(k = taken, touch, one),
                                kept, tupleElement(r, 'places'),
                                arrayResize([], tupleElement(r, 'step_count'), coalesce(nullIf(arrayFirstIndex((flag, one) -> bitAnd(flag, 1) = 1 AND one = 0, flags, kept), 0), if(tupleElement(r, 'only_first'), 0, arrayFirstIndex(flag -> bitAnd(flag, 1) = 1, flags))))
                            ),
                            if(
                                (is_complete OR is_over OR (is_excluded AND NOT tupleElement(r, 'drops_person'))) AND (NOT tupleElement(r, 'needs_first') OR state.1[1] > 0) AND (tupleElement(r, 'keeps_all') OR length(waiting) > length(state.2[-1])),
                                arrayPushBack(state.2, arraySort(waiting)),
                                state.2
                            ),
                            state.3
                        )
                    ).6,
                    touches, times, flags_of,
                    (arrayMap(k -> toUInt256(0), tupleElement(r, 'places')), CAST([], 'Array(Array(UInt256))'), CAST([], 'Array(Bool)'))
                ),
                (CAST([], 'Array(UInt256)'), CAST([], 'Array(Array(UInt256))'), CAST([], 'Array(Bool)'))
            ) AS state_in_any_order,
            if(
                tupleElement(r, 'any_order'),
                (CAST([], 'Array(Tuple(Int64, Int64, Array(UInt256)))'), CAST([], 'Array(Array(UInt256))'), CAST([], 'Array(Bool)'), CAST([], 'Array(Tuple(Int64, Int64, Array(UInt256)))')),
                -- In the place of each step waits the attempt that has reached it and began last: (began, reached it, its touchpoints); nobody began so long ago that it is no time.
                -- Put away are the touchpoints of those that are over, and which of them were dropped. A complete one waits until the next touchpoint.
                -- Where an exclusion drops the person, the last that was dropped in each place waits beside: it goes one step further all the same, and whoever came no further counts nowhere.
                arrayFold(
                    (state, touch, at, flags, is_late) -> (
                        -- For every step, whether one goes on from there: 0 = it may, 1 = there is none, more = it is over, and why.
                        arrayMap(
                            (one, flag) -> multiIf(one.1 = -4000000000000000000, 1, at - one.1 > tupleElement(r, 'window_ms'), 8, tupleElement(r, 'ties_any') AND at <= one.2, bitAnd(flag, 8), bitAnd(flag, 14)),
                            state.1, flags
                        ) AS overs,
                        -- With optional steps: for every step, the step whose attempt goes on to it; 0 = none.
                        if(NOT tupleElement(r, 'has_optional'), CAST([], 'Array(UInt32)'), arrayMap(
                            (k, wishes) -> arrayLastIndex(wish -> wish = k, wishes),
                            tupleElement(r, 'places'),
                            arrayResize([], tupleElement(r, 'step_count'), arrayMap(
                                (one, over, nexts) -> if(over = 0 AND NOT (is_late AND has(one.3, touch)), arrayFirst(next -> bitAnd(flags[next], 1) = 1 AND at - one.2 <= tupleElement(r, 'withins_ms')[next], nexts), toUInt16(0)),
                                state.1, overs, tupleElement(r, 'nexts')
                            ))
                        )) AS froms,
                        NOT is_late AND bitAnd(flags[1], 1) = 1
                            AND NOT has(overs, 4)
                            AND (NOT tupleElement(r, 'only_first') OR (NOT has(overs, 0) AND (tupleElement(r, 'keeps_all') OR (empty(state.2) AND arrayMax(overs) = 1)))) AS begins,
                        -- What may come to each step: to the first, an attempt that begins now.
                        arrayPushFront(
                            if(tupleElement(r, 'has_optional'), arrayMap(from -> state.1[from], arrayPopFront(froms)), arrayPopBack(state.1)),
                            (at, at, CAST([], 'Array(UInt256)'))
                        ) AS befores,
                        if(
                            tupleElement(r, 'has_optional'),
                            arrayPushFront(arrayMap(from -> from > 0, arrayPopFront(froms)), begins),
                            arrayMap(
                                (before, over, flag, within) -> over = 0 AND bitAnd(flag, 1) = 1 AND at - before.2 <= within AND NOT (is_late AND has(before.3, touch)),
                                befores, arrayPushFront(arrayPopBack(overs), toUInt8(NOT begins)), flags, tupleElement(r, 'withins_ms')
                            )
                        ) AS comes,
                        if(tupleElement(r, 'has_optional'), arrayMap(k -> has(froms, k), tupleElement(r, 'places')), arrayShiftLeft(comes, 1, false)) AS leaves,
                        arrayMap(
                            (one, over, is_coming, is_leaving) -> (over > 1 AND (tupleElement(r, 'keeps_all') OR length(one.3) > length(state.2[-1]) OR (tupleElement(r, 'drops_person') AND length(one.3) = length(state.2[-1]) AND state.3[-1] AND over != 4)))
                                OR (tupleElement(r, 'keeps_all') AND over = 0 AND is_coming AND NOT is_leaving),
                            state.1, overs, comes, leaves
                        ) AS puts,
                        if(NOT tupleElement(r, 'drops_person') OR tupleElement(r, 'strict'), CAST([], 'Array(UInt16)'), arrayMap(
                            (one, nexts) -> if(at - one.1 > tupleElement(r, 'window_ms') OR (is_late AND has(one.3, touch)), toUInt16(0), arrayFirst(next -> bitAnd(flags[next], 1) = 1 AND at - one.2 <= tupleElement(r, 'withins_ms')[next], nexts)),
                            state.4, tupleElement(r, 'nexts')
                        )) AS goes_to,
                        arrayFilter(
                            steps -> notEmpty(steps) AND (tupleElement(r, 'keeps_all') OR length(steps) > length(state.2[-1])),
                            arrayMap((one, next) -> if(next = 0, CAST([], 'Array(UInt256)'), arrayPushBack(arrayResize(one.3, next - 1), touch)), arrayResize(state.4, length(goes_to)), goes_to)
                        ) AS gone,
                        (
                            arrayMap(
                                (one, before, over, is_coming, is_leaving, k) -> multiIf(
                                    is_coming, (before.1, greatest(before.2, at), arrayPushBack(if(tupleElement(r, 'has_optional'), arrayResize(before.3, k - 1), before.3), touch)),
                                    is_leaving OR over > 0, (toInt64(-4000000000000000000), toInt64(0), CAST([], 'Array(UInt256)')),
                                    one
                                ),
                                state.1, befores, overs, comes, leaves, tupleElement(r, 'places')
                            ),
                            arrayConcat(state.2, arrayFilter((steps, is_put) -> is_put, state.1.3, puts), gone),
                            if(NOT tupleElement(r, 'drops_person'), state.3, arrayConcat(state.3, arrayMap(over -> over = 4, arrayFilter((over, is_put) -> is_put, overs, puts)), arrayMap(steps -> true, gone))),
                            if(empty(goes_to), state.4, arrayMap(
                                (dropped, one, over, is_coming, next) -> multiIf(is_coming, (toInt64(-4000000000000000000), toInt64(0), CAST([], 'Array(UInt256)')), over = 4, one, next > 0, (toInt64(-4000000000000000000), toInt64(0), CAST([], 'Array(UInt256)')), dropped),
                                state.4, state.1, overs, comes, goes_to
                            ))
                        )
                    ).10,
                    touches, times, flags_of, lates,
                    (
                        arrayMap(k -> (toInt64(-4000000000000000000), toInt64(0), CAST([], 'Array(UInt256)')), tupleElement(r, 'places')),
                        CAST([], 'Array(Array(UInt256))'),
                        CAST([], 'Array(Bool)'),
                        arrayMap(k -> (toInt64(-4000000000000000000), toInt64(0), CAST([], 'Array(UInt256)')), if(tupleElement(r, 'drops_person'), tupleElement(r, 'places'), []))
                    )
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
            words,
            if(
                tupleElement(r, 'any_order'),
                arrayConcat(state_in_any_order.2, arrayFilter(steps -> notEmpty(steps) AND (NOT tupleElement(r, 'needs_first') OR state_in_any_order.1[1] > 0), [arraySort(arrayFilter(one -> one > 0, state_in_any_order.1))])),
                arrayConcat(state.2, arrayFilter(steps -> notEmpty(steps), state.1.3))
            ) AS attempts,
            arrayResize(state.3, length(attempts), false) AS drops
        FROM folded
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
