-- The attempts of every walk, before one is chosen: the pass behind `funnel_walked`, touchpoint by touchpoint.
-- Grain: one row a walk of `funnel_walks_told` and a value that is held or broken down by. Keys: project, person, counted, breakdown_value.
-- attempts: of each, in the order in which they ended, the numbers of its touchpoints, step by step (0 = an optional step that was left out): time, id_order, place of its value among words. drops: which of them drop the person.
-- Parameters: those of `funnel_walked`.
-- Not counted: walks without the first step, in order.
CREATE OR REPLACE VIEW funnel_folded AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)} AS r,
    counted_apart AS
    (
        /* the query of funnel_walks_told */
    ),
    -- A walk for each value that is held. What has another is no step there; it still excludes, or passes by in strict order, unless it carries another value of a held property.
    held_apart AS
    (
        SELECT
            project,
            person,
            counted,
            arrayJoin(/* held: */ if(empty(tupleElement(r, 'held')), [walk], arrayMap(
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
            )) /* else: [walk] */) AS unsorted_run,
            -- Within a time that was cut, too, the true order stands.
            /* ties: */ if(NOT tupleElement(r, 'ties_any'), unsorted_run, arraySort((touch, place) -> (touch.at, touch.is_foreign, place), unsorted_run, arrayEnumerate(unsorted_run))) /* else: unsorted_run */ AS run
        FROM counted_apart
    ),
    broken_down AS
    (
        SELECT
            project,
            person,
            counted,
            arrayJoin(/* split: */ multiIf(
                tupleElement(r, 'breakdown_by') IN ('', 'attempt'), [('', run)],
                tupleElement(r, 'breakdown_by') = 'each_value', arrayMap(one -> (one, arrayFilter(touch -> touch.value = one, run)), arrayDistinct(run.value)),
                tupleElement(r, 'breakdown_by') = 'step', arrayMap(
                    one -> (one, arrayMap(touch -> CAST((touch.at, touch.id_order, if(touch.value = one, touch.met, arrayMap((flag, k) -> flag AND k != tupleElement(r, 'breakdown_step'), touch.met, arrayEnumerate(touch.met))), touch.is_foreign, touch.is_kept, touch.held, touch.value, touch.family, touch.is_end), 'Tuple(at Int64, id_order UInt128, met Array(Bool), is_foreign Bool, is_kept Bool, held Array(String), value String, family String, is_end Bool)'), run)),
                    arrayDistinct(arrayFilter(touch -> touch.met[tupleElement(r, 'breakdown_step')], run).value)
                ),
                [(arrayElement(arrayFilter(touch -> touch.value != '' AND arrayExists(flag -> flag, arraySlice(touch.met, 1, tupleElement(r, 'step_count'))), run).value, if(tupleElement(r, 'breakdown_by') = 'first_touch', 1, -1)), run)]
            ) /* else: [('', run)] */) AS chosen
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
            /* resolution: */ if(tupleElement(r, 'resolution_ms') = 1, asked_walk, arrayFilter((touch, time_seen) -> time_seen = 1 OR NOT has(arraySlice(touch.met, 1, tupleElement(r, 'step_count')), true), asked_walk, arrayEnumerateUniq(asked_walk.at, arrayMap(flags -> toString(flags), asked_walk.met)))) /* else: asked_walk */ AS walk
        FROM chosen_apart
    ),
    -- Where touchpoints of one instant, or of the grace, may go any way round, those before are told again after each: late, they take an attempt further and do nothing else.
    -- Only what the touchpoints of this instant have taken to a step can go on, so as many turns follow as steps after theirs can be done without a gap, and only what is such a
    -- step is told. Where steps are optional, attempts may stand in each other's way: as many turns as there are steps to go.
    grouped AS
    (
        SELECT
            *,
            /* again: */ NOT tupleElement(r, 'ties_any') OR tupleElement(r, 'any_order') OR NOT arrayExists((pause, place) -> pause <= tupleElement(r, 'grace_ms') AND place > 1, arrayDifference(walk.at), arrayEnumerate(walk)) /* else: true */ AS is_plain,
            /* again: */ if(is_plain, [], arrayMap(
                (touch, place, run_place, next_at) -> if(
                    run_place = place OR next_at = touch.at, [],
                    arrayFilter(one -> touch.at - one.at <= tupleElement(r, 'grace_ms') AND NOT one.is_foreign, arraySlice(walk, run_place, place + 1 - run_place))
                ),
                walk, arrayEnumerate(walk),
                arrayFill((place, pause) -> place = 1 OR pause > tupleElement(r, 'grace_ms'), arrayEnumerate(walk), arrayDifference(walk.at)),
                arrayPopFront(arrayPushBack(walk.at, toInt64(9223372036854775807)))
            )) /* else: [] */ AS before
        FROM distinct_walks
    ),
    sequences AS
    (
        SELECT
            project,
            person,
            counted,
            breakdown_value,
            /* again: */ if(
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
            ) /* else: arrayMap(touch -> (touch, false), walk) */ AS sequence
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
            /* words: */ if(tupleElement(r, 'breakdown_by') != 'attempt', [], arrayDistinct(sequence.1.value)) /* else: CAST([], 'Array(String)') */ AS words,
            sequence.1.at AS times,
            arrayMap(
                (at, id_order, word) -> bitShiftLeft(toUInt256(at + 4611686018427387904), 192) + bitShiftLeft(toUInt256(id_order), 64) + word,
                times, sequence.1.id_order, /* words: */ if(tupleElement(r, 'breakdown_by') != 'attempt', arrayResize(CAST([], 'Array(UInt32)'), length(times)), arrayEnumerateDense(sequence.1.value)) /* else: arrayResize(CAST([], 'Array(UInt32)'), length(times)) */
            ) AS touches,
            sequence.2 AS lates,
            /* flagged: */ if(
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
            ) /* else: arrayMap(met -> arrayMap((flag, at_end) -> toUInt8(flag + at_end), arraySlice(met, 1, tupleElement(r, 'step_count')), tupleElement(r, 'at_ends')), sequence.1.met) */ AS flags_of
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
            /* any_order: */ if(
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
            ) /* else: (CAST([], 'Array(UInt256)'), CAST([], 'Array(Array(UInt256))'), CAST([], 'Array(Bool)')) */ AS state_in_any_order,
            /* in_order: */ if(
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
                        /* optional: */ if(NOT tupleElement(r, 'has_optional'), CAST([], 'Array(UInt32)'), arrayMap(
                            (k, wishes) -> arrayLastIndex(wish -> wish = k, wishes),
                            tupleElement(r, 'places'),
                            arrayResize([], tupleElement(r, 'step_count'), arrayMap(
                                (one, over, nexts) -> if(over = 0 AND NOT (is_late AND has(one.3, touch)), arrayFirst(next -> bitAnd(flags[next], 1) = 1 AND at - one.2 <= tupleElement(r, 'withins_ms')[next], nexts), toUInt16(0)),
                                state.1, overs, tupleElement(r, 'nexts')
                            ))
                        )) /* else: CAST([], 'Array(UInt32)') */ AS froms,
                        NOT is_late AND bitAnd(flags[1], 1) = 1
                            AND NOT has(overs, 4)
                            AND (NOT tupleElement(r, 'only_first') OR (NOT has(overs, 0) AND (tupleElement(r, 'keeps_all') OR (empty(state.2) AND arrayMax(overs) = 1)))) AS begins,
                        -- What may come to each step: to the first, an attempt that begins now.
                        arrayPushFront(
                            /* optional: */ if(tupleElement(r, 'has_optional'), arrayMap(from -> state.1[from], arrayPopFront(froms)), arrayPopBack(state.1)) /* else: arrayPopBack(state.1) */,
                            (at, at, CAST([], 'Array(UInt256)'))
                        ) AS befores,
                        /* optional: */ if(
                            tupleElement(r, 'has_optional'),
                            arrayPushFront(arrayMap(from -> from > 0, arrayPopFront(froms)), begins),
                            /* else: */ arrayMap(
                                (before, over, flag, within) -> over = 0 AND bitAnd(flag, 1) = 1 AND at - before.2 <= within AND NOT (is_late AND has(before.3, touch)),
                                befores, arrayPushFront(arrayPopBack(overs), toUInt8(NOT begins)), flags, tupleElement(r, 'withins_ms')
                            ) /* optional: */ ) /* else: */ AS comes,
                        /* optional: */ if(tupleElement(r, 'has_optional'), arrayMap(k -> has(froms, k), tupleElement(r, 'places')), arrayShiftLeft(comes, 1, false)) /* else: arrayShiftLeft(comes, 1, false) */ AS leaves,
                        arrayMap(
                            (one, over, is_coming, is_leaving) -> (over > 1 AND (tupleElement(r, 'keeps_all') OR length(one.3) > length(state.2[-1]) OR (tupleElement(r, 'drops_person') AND length(one.3) = length(state.2[-1]) AND state.3[-1] AND over != 4)))
                                OR (tupleElement(r, 'keeps_all') AND over = 0 AND is_coming AND NOT is_leaving),
                            state.1, overs, comes, leaves
                        ) AS puts,
                        /* dropping: */ if(NOT tupleElement(r, 'drops_person') OR tupleElement(r, 'strict'), CAST([], 'Array(UInt16)'), arrayMap(
                            (one, nexts) -> if(at - one.1 > tupleElement(r, 'window_ms') OR (is_late AND has(one.3, touch)), toUInt16(0), arrayFirst(next -> bitAnd(flags[next], 1) = 1 AND at - one.2 <= tupleElement(r, 'withins_ms')[next], nexts)),
                            state.4, tupleElement(r, 'nexts')
                        )) /* else: CAST([], 'Array(UInt16)') */ AS goes_to,
                        /* dropping: */ arrayFilter(
                            steps -> notEmpty(steps) AND (tupleElement(r, 'keeps_all') OR length(steps) > length(state.2[-1])),
                            arrayMap((one, next) -> if(next = 0, CAST([], 'Array(UInt256)'), arrayPushBack(arrayResize(one.3, next - 1), touch)), arrayResize(state.4, length(goes_to)), goes_to)
                        ) /* else: CAST([], 'Array(Array(UInt256))') */ AS gone,
                        (
                            arrayMap(
                                (one, before, over, is_coming, is_leaving, k) -> multiIf(
                                    is_coming, (before.1, greatest(before.2, at), arrayPushBack(/* optional: */ if(tupleElement(r, 'has_optional'), arrayResize(before.3, k - 1), before.3) /* else: before.3 */, touch)),
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
            ) /* else: (CAST([], 'Array(Tuple(Int64, Int64, Array(UInt256)))'), CAST([], 'Array(Array(UInt256))'), CAST([], 'Array(Bool)'), CAST([], 'Array(Tuple(Int64, Int64, Array(UInt256)))')) */ AS state
        FROM asked_in_order
    )
SELECT
    project,
    person,
    counted,
    breakdown_value,
    words,
    /* any_order: */ if(
        tupleElement(r, 'any_order'),
        arrayConcat(state_in_any_order.2, arrayFilter(steps -> notEmpty(steps) AND (NOT tupleElement(r, 'needs_first') OR state_in_any_order.1[1] > 0), [arraySort(arrayFilter(one -> one > 0, state_in_any_order.1))])),
        arrayConcat(state.2, arrayFilter(steps -> notEmpty(steps), state.1.3))
    ) /* else: arrayConcat(state.2, arrayFilter(steps -> notEmpty(steps), state.1.3)) */ AS attempts,
    arrayResize(state.3, length(attempts), false) AS drops
FROM folded
