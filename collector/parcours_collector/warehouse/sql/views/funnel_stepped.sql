-- The pass behind `funnel_attempts` for plain rules, step by step over whole arrays, several times as fast as `funnel_walked`.
-- Plain are rules that `funnel_asked` says is_stepped of: in order, the best or the first attempt of a person, up to six steps and four exclusions that share no name with a step,
--   up to four conditions on three fields; no optional or first_ever step, nothing held, no interval, broken down by the first or the last touch at most; and where touchpoints of one instant go any way round, steps of
--   different names, and neither exclusions nor within_seconds beside a grace. Of other rules it says nothing: no row.
-- Grain: one row a person who began and whom no exclusion drops (exclusion_ends 'person'). Keys: project, person_id. The attempt is the one that `funnel_walked` finds.
-- breakdown_value: as in `funnel_attempts`. reached: its furthest step. times_taken (milliseconds since 1970) and ids_taken (as touchpoints_unique orders ids): of each step up to it.
-- Parameters: those of `funnel_walked`; may be left out: needs_ids (false: ids_taken may be empty; where conditions look at nothing but names and channels, the journey index is read then).
CREATE OR REPLACE VIEW funnel_stepped AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)} AS r,
    -- So long ago that no window reaches it.
    toInt64(-4000000000000000000) AS never,
    tupleElement(r, 'step_count') AS step_count,
    tupleElement(r, 'window_ms') AS window_ms,
    tupleElement(r, 'ties_any') AS ties_any,
    tupleElement(r, 'grace_ms') AS grace_ms,
    tupleElement(r, 'only_first') AS only_first,
    ifNull({needs_ids:Nullable(Bool)}, false) AS tells_ids,
    notEmpty(tupleElement(r, 'barred')) AS has_exclusions,
    ties_any AND has_exclusions AS spares_instant,
    tupleElement(r, 'drops_person') AND has_exclusions AS drops_person,
    tupleElement(r, 'withins_ms')[2] AS within_2,
    least(window_ms, within_2) AS window_2,
    tupleElement(r, 'withins_ms')[3] AS within_3,
    within_3 < 1000000000000000 AS limited_3,
    tupleElement(r, 'withins_ms')[4] AS within_4,
    within_4 < 1000000000000000 AS limited_4,
    tupleElement(r, 'withins_ms')[5] AS within_5,
    within_5 < 1000000000000000 AS limited_5,
    tupleElement(r, 'withins_ms')[6] AS within_6,
    within_6 < 1000000000000000 AS limited_6,
    walks AS
    (
        /* the query of funnel_walks_cut */
    ),
    -- What is excluded at an instant ends nobody who came there at it, nor whom it takes further: so the steps of such an instant are gone through from the last to the first, and
    --   each exclusion stands between the step that takes whoever waits further and the step that brings others there.
    ordered_walks AS
    (
        SELECT
            project,
            person_id,
            breakdown_value,
            /* spared: */ notEmpty(in_order) AS is_tied,
            if(NOT spares_instant, at, if(is_tied, in_order.1, at)) AS at,
            if(NOT spares_instant, flags, if(is_tied, in_order.2, flags)) AS flags,
            if(NOT spares_instant, ids, if(is_tied, in_order.3, ids)) AS ids
            /* else: false AS is_tied, at, flags, ids */
        FROM /* spared: */
        (
            SELECT
                project,
                person_id,
                breakdown_value,
                at,
                flags,
                ids,
                if(NOT spares_instant, [], if(
                    NOT arrayExists((pause_ms, flag, before) -> pause_ms = 0 AND (flag < 64) != (before < 64) AND before > 0, arrayDifference(at), flags, arrayShiftRight(flags, 1, 0)),
                    [],
                    arraySort(
                        one -> (one.1, -one.4, one.5),
                        arrayFlatten(arrayMap(
                            (at_ms, flag, id, place) -> arrayMap(
                                bit -> (at_ms, bitShiftLeft(toUInt16(1), bit), id, toInt8(if(bit < 6, 2 * bit, 2 * (bit - 6) + 1)), place),
                                arrayFilter(bit -> bitTest(flag, bit), range(12))
                            ),
                            at, flags, if(tells_ids, ids, arrayMap(flag -> toUInt128(0), flags)), arrayEnumerate(at)
                        ))
                    )
                )) AS in_order
            FROM walks
        ) /* else: walks */
    ),
    /* ties: */
    -- Where touchpoints of one instant, or of the grace, may go any way round, those before are told again after each, at its time, as often as steps can be done so without a gap: they take
    --   an attempt further, and begin none. It changes nothing unless one of an earlier step follows one of a later step: few walks need it.
    told_walks AS
    (
        SELECT
            *,
            if(NOT ties_any, [], if(NOT arrayExists((pause_ms, flag, before) -> pause_ms <= grace_ms AND flag < before, arrayDifference(at), flags, arrayShiftRight(flags, 1, 0)), [], arrayFlatten(arrayMap(
                run -> arrayMap(
                    (touch, place, next_ms) -> (
                        if(next_ms = touch.1 OR place = 1, [], arrayFilter((one, one_place) -> one_place <= place AND touch.1 - one.1 <= grace_ms, run, arrayEnumerate(run))) AS earlier,
                        toUInt16(bitAnd(arrayReduce('groupBitOr', arrayMap(one -> one.2, earlier)), 63)) AS done,
                        toUInt16(bitAnd(arrayReduce('groupBitOr', arrayMap(one -> if(one.1 = touch.1, one.2, toUInt16(0)), earlier)), 63)) AS done_now,
                        -- The steps that can be reached from what this instant has reached, one more each time.
                        arrayFold((reachable, k) -> toUInt16(bitAnd(done, bitShiftLeft(bitOr(done_now, reachable), 1))), tupleElement(r, 'places'), toUInt16(0)) AS again,
                        arrayConcat(
                            [(touch.1, touch.2, touch.1, touch.3)],
                            arrayFlatten(arrayMap(
                                turn -> arrayMap(one -> (touch.1, toUInt16(bitAnd(one.2, again)), one.1, one.3), arrayFilter(one -> bitAnd(one.2, again) != 0, earlier)),
                                range(bitCount(again))
                            ))
                        )
                    ).5,
                    run, arrayEnumerate(run), arrayShiftLeft(run.1, 1, toInt64(9223372036854775807))
                ),
                arraySplit((touch, pause_ms) -> pause_ms > grace_ms, arrayZip(at, flags, if(tells_ids, ids, arrayMap(flag -> toUInt128(0), flags))), arrayDifference(at))
            )))) AS told
        FROM ordered_walks
    ),
    /* else: */
    turned_walks AS
    (
        SELECT
            project,
            person_id,
            breakdown_value,
            is_tied,
            /* ties: */ if(NOT ties_any, at, if(empty(told), at, told.1)) /* else: at */ AS at,
            /* ties: */ if(NOT ties_any, flags, if(empty(told), flags, told.2)) /* else: flags */ AS flags,
            /* ties: */ if(NOT ties_any OR grace_ms = 0, at, if(empty(told), at, told.3)) /* else: at */ AS own_at,
            /* ties: */ if(NOT ties_any, ids, if(empty(told), ids, told.4)) /* else: ids */ AS ids
        FROM /* ties: */ told_walks /* else: ordered_walks */
    ),
    -- began_k: for each touchpoint by which an attempt comes to step k, when that attempt began; `never` for any other. Before each touchpoint one waits there, the last that came,
    --   unless it has since gone on or been ended: a later touchpoint of the next step that came too late for the window is too late for good. A query a step: an alias is
    --   repeated wherever it is named.
    came_to_1 AS
    (
        SELECT
            project,
            person_id,
            breakdown_value,
            is_tied,
            at,
            own_at,
            flags,
            ids,
            /* first: */ if(
                only_first,
                arrayMap((at_ms, place) -> if(place = first_place, at_ms, never), at, arrayEnumerate(at)),
                arrayMap((at_ms, flag) -> if(bitTest(flag, 0), at_ms, never), at, flags)
            ) /* else: arrayMap((at_ms, flag) -> if(bitTest(flag, 0), at_ms, never), at, flags) */ AS began_1
        FROM /* first: */
        (
            SELECT
                *,
                if(only_first, arrayFirstIndex(flag -> bitTest(flag, 0), flags), 0) AS first_place
            FROM turned_walks
        ) /* else: turned_walks */
        WHERE arrayExists(flag -> bitTest(flag, 0), flags)
    ),
    -- What came to step 1 has only just begun: both bounds are one.
    came_to_2 AS
    (
        SELECT
            project,
            person_id,
            breakdown_value,
            is_tied,
            at,
            own_at,
            flags,
            ids,
            began_1,
            if(step_count < 2, [], arrayMap(
                (at_ms, flag, waits_ms) -> if(bitTest(flag, 1) AND at_ms - waits_ms <= window_2, waits_ms, never),
                at, flags,
                arrayShiftRight(arrayFill((began_ms, flag) -> began_ms != never OR bitTest(flag, 1)/* exclusions: */ OR (has_exclusions AND bitTest(flag, 6))/* else: */, began_1, flags), 1, never)
            )) AS began_2
        FROM came_to_1
    ),
    came_to_3 AS
    (
        SELECT
            project,
            person_id,
            breakdown_value,
            is_tied,
            at,
            own_at,
            flags,
            ids,
            began_1,
            began_2,
            /* step_3: */ if(step_count < 3, [], arrayMap(
                (at_ms, flag, waits_ms/* within: */, came_ms/* else: */) -> if(bitTest(flag, 2) AND at_ms - waits_ms <= window_ms/* within: */ AND (NOT limited_3 OR at_ms - came_ms <= within_3)/* else: */, waits_ms, never),
                at, flags,
                arrayShiftRight(arrayFill((began_ms, flag) -> began_ms != never OR bitTest(flag, 2)/* exclusions: */ OR (has_exclusions AND bitTest(flag, 7))/* else: */, began_2, flags), 1, never)/* within: */,
                if(limited_3, /* shared: */ arrayShiftRight(arrayFill((came_ms, began_ms) -> began_ms != never, at, began_2), 1, never) /* else: arrayFill((came_ms, began_ms) -> began_ms != never, at, began_2) */, at)/* else: */
            )) /* else: [] */ AS began_3
        FROM came_to_2
    ),
    came_to_4 AS
    (
        SELECT
            project,
            person_id,
            breakdown_value,
            is_tied,
            at,
            own_at,
            flags,
            ids,
            began_1,
            began_2,
            began_3,
            /* step_4: */ if(step_count < 4, [], arrayMap(
                (at_ms, flag, waits_ms/* within: */, came_ms/* else: */) -> if(bitTest(flag, 3) AND at_ms - waits_ms <= window_ms/* within: */ AND (NOT limited_4 OR at_ms - came_ms <= within_4)/* else: */, waits_ms, never),
                at, flags,
                arrayShiftRight(arrayFill((began_ms, flag) -> began_ms != never OR bitTest(flag, 3)/* exclusions: */ OR (has_exclusions AND bitTest(flag, 8))/* else: */, began_3, flags), 1, never)/* within: */,
                if(limited_4, /* shared: */ arrayShiftRight(arrayFill((came_ms, began_ms) -> began_ms != never, at, began_3), 1, never) /* else: arrayFill((came_ms, began_ms) -> began_ms != never, at, began_3) */, at)/* else: */
            )) /* else: [] */ AS began_4
        FROM came_to_3
    ),
    came_to_5 AS
    (
        SELECT
            project,
            person_id,
            breakdown_value,
            is_tied,
            at,
            own_at,
            flags,
            ids,
            began_1,
            began_2,
            began_3,
            began_4,
            /* step_5: */ if(step_count < 5, [], arrayMap(
                (at_ms, flag, waits_ms/* within: */, came_ms/* else: */) -> if(bitTest(flag, 4) AND at_ms - waits_ms <= window_ms/* within: */ AND (NOT limited_5 OR at_ms - came_ms <= within_5)/* else: */, waits_ms, never),
                at, flags,
                arrayShiftRight(arrayFill((began_ms, flag) -> began_ms != never OR bitTest(flag, 4)/* exclusions: */ OR (has_exclusions AND bitTest(flag, 9))/* else: */, began_4, flags), 1, never)/* within: */,
                if(limited_5, /* shared: */ arrayShiftRight(arrayFill((came_ms, began_ms) -> began_ms != never, at, began_4), 1, never) /* else: arrayFill((came_ms, began_ms) -> began_ms != never, at, began_4) */, at)/* else: */
            )) /* else: [] */ AS began_5
        FROM came_to_4
    ),
    came_to_6 AS
    (
        SELECT
            project,
            person_id,
            breakdown_value,
            is_tied,
            at,
            own_at,
            flags,
            ids,
            began_1,
            began_2,
            began_3,
            began_4,
            began_5,
            /* step_6: */ if(step_count < 6, [], arrayMap(
                (at_ms, flag, waits_ms/* within: */, came_ms/* else: */) -> if(bitTest(flag, 5) AND at_ms - waits_ms <= window_ms/* within: */ AND (NOT limited_6 OR at_ms - came_ms <= within_6)/* else: */, waits_ms, never),
                at, flags,
                arrayShiftRight(arrayFill((began_ms, flag) -> began_ms != never OR bitTest(flag, 5)/* exclusions: */ OR (has_exclusions AND bitTest(flag, 10))/* else: */, began_5, flags), 1, never)/* within: */,
                if(limited_6, /* shared: */ arrayShiftRight(arrayFill((came_ms, began_ms) -> began_ms != never, at, began_5), 1, never) /* else: arrayFill((came_ms, began_ms) -> began_ms != never, at, began_5) */, at)/* else: */
            )) /* else: [] */ AS began_6
        FROM came_to_5
    ),
    came_furthest AS
    (
        SELECT
            *,
            multiIf(/* step_6: */ reached = 6, began_6, /* else: */ /* step_5: */ reached = 5, began_5, /* else: */ /* step_4: */ reached = 4, began_4, /* else: */ /* step_3: */ reached = 3, began_3, /* else: */ reached = 2, began_2, began_1) AS began_there
        FROM
        (
            SELECT
                *,
                toUInt16(multiIf(/* step_6: */ step_count >= 6 AND arrayExists(began_ms -> began_ms != never, began_6), 6, /* else: */ /* step_5: */ step_count >= 5 AND arrayExists(began_ms -> began_ms != never, began_5), 5, /* else: */ /* step_4: */ step_count >= 4 AND arrayExists(began_ms -> began_ms != never, began_4), 4, /* else: */ /* step_3: */ step_count >= 3 AND arrayExists(began_ms -> began_ms != never, began_3), 3, /* else: */ step_count >= 2 AND arrayExists(began_ms -> began_ms != never, began_2), 2, 1)) AS reached
            FROM came_to_6
        )
    ),
    -- Which of the attempts that came furthest counts: the first that ended there. One that came later took the place of an earlier one, unless that was over by then.
    --   Exclusions of that step are looked at in the walks alone that hold one: an array that is not needed is empty.
    furthest AS
    (
        SELECT
            project,
            person_id,
            breakdown_value,
            own_at,
            ids,
            reached,
            began_1,
            began_2,
            began_3,
            began_4,
            began_5,
            arrayFilter((place, began_ms) -> began_ms != never, arrayEnumerate(began_there), began_there)[if(
                reached = step_count, 1,
                /* exclusions: */ if(
                    is_excluded,
                    arrayFirstIndex(
                        (began_ms, next_ms, ended, next_one/* drops: */, excluded_ms/* else: */) -> (next_ms - began_ms > window_ms OR next_one > ended)
                            /* drops: */ AND NOT (drops_person AND excluded_ms != never AND excluded_ms - began_ms <= window_ms AND (next_ms = 4000000000000000000 OR next_one > ended))/* else: */,
                        arrayFilter(began_ms -> began_ms != never, began_excluded),
                        arrayShiftLeft(arrayFilter((at_ms, began_ms) -> began_ms != never, at_excluded, began_excluded), 1, toInt64(4000000000000000000)),
                        ended_before,
                        next_ended/* drops: */,
                        excluded_after/* else: */
                    )/* drops: */ * (NOT is_dropped)/* else: */, /* else: */
                    arrayFirstIndex(
                        (began_ms, next_ms) -> next_ms - began_ms > window_ms,
                        arrayFilter(began_ms -> began_ms != never, began_there),
                        arrayShiftLeft(arrayFilter((at_ms, began_ms) -> began_ms != never, at, began_there), 1, toInt64(4000000000000000000))
                    )
                /* exclusions: */ ) /* else: */
            )] AS last_place
        FROM /* exclusions: */
        (
            SELECT
                *,
                -- How many exclusions there had been when each of them came, and before the instant at which the next one came.
                arrayFilter((ended, began_ms) -> began_ms != never, ended_there, began_excluded) AS ended_before,
                arrayShiftLeft(arrayFilter((ended, began_ms) -> began_ms != never, /* spared: */ if(
                    is_tied,
                    arrayFill((ended, pause_ms) -> pause_ms != 0, arrayMap((ended, flag) -> ended - toInt64(bitAnd(bitShiftRight(flag, 5 + reached), 1)), ended_there, flags_excluded), arrayDifference(at_excluded)),
                    ended_there
                ) /* else: ended_there */, began_excluded), 1, toInt64(0)) AS next_ended,
                -- When the next one was excluded there, after each of them.
                /* drops: */ arrayFilter(
                    (excluded_ms, began_ms) -> began_ms != never,
                    arrayShiftLeft(
                        arrayReverseFill(excluded_ms -> excluded_ms != never, arrayMap((at_ms, flag) -> if(bitAnd(bitShiftRight(flag, 5 + reached), 1) = 1, at_ms, never), at_excluded, flags_excluded)),
                        1, never
                    ),
                    began_excluded
                ) /* else: [] */ AS excluded_after,
                -- Who is excluded goes one step further all the same, and then has come further than anybody who counts: 1 = one came there, 2 = the last that came was excluded.
                /* drops: */ drops_person AND arrayExists(
                    (kind, flag, at_ms, waits_ms, last_ms) -> kind = 2 AND bitAnd(bitShiftRight(flag, reached), 1) = 1 AND at_ms - waits_ms <= window_ms AND at_ms - last_ms <= tupleElement(r, 'withins_ms')[reached + 1],
                    arrayFill(kind -> kind != 0, arrayMap(
                        (began_ms, flag, at_ms, waits_ms) -> multiIf(began_ms != never, 1, bitAnd(bitShiftRight(flag, 5 + reached), 1) = 1 AND at_ms - waits_ms <= window_ms, 2, 0),
                        began_excluded, flags_excluded, at_excluded, waits_there
                    )),
                    flags_excluded, at_excluded, waits_there, last_there
                ) /* else: false */ AS is_dropped
            FROM
            (
                SELECT
                    *,
                    arrayCumSum(arrayMap(flag -> toInt64(bitAnd(bitShiftRight(flag, 5 + reached), 1)), flags_excluded)) AS ended_there,
                    -- Who waits there, by when that began, and when it came.
                    /* drops: */ arrayFill(began_ms -> began_ms != never, began_excluded) /* else: [] */ AS waits_there,
                    /* drops: */ arrayFill((at_ms, began_ms) -> began_ms != never, at_excluded, began_excluded) /* else: [] */ AS last_there
                FROM
                (
                    SELECT
                        *,
                        if(is_excluded, at, []) AS at_excluded,
                        if(is_excluded, flags, []) AS flags_excluded,
                        if(is_excluded, began_there, []) AS began_excluded
                    FROM
                    (
                        SELECT
                            *,
                            has_exclusions AND reached < step_count AND arrayExists(flag -> bitAnd(bitShiftRight(flag, 5 + reached), 1) = 1, flags) AS is_excluded
                        FROM came_furthest
                    )
                )
            )
        ) /* else: came_furthest */
    ),
    traced AS
    (
        SELECT
            project,
            person_id,
            breakdown_value,
            own_at,
            ids,
            reached,
            last_place AS place_6,
            /* step_6: */ if(step_count <= 5, last_place, if(reached <= 5, last_place, arrayLastIndex(began_ms -> began_ms != never, arraySlice(began_5, 1, if(reached <= 5, 0, place_6 - 1))))) /* else: last_place */ AS place_5,
            /* step_5: */ if(step_count <= 4, last_place, if(reached <= 4, last_place, arrayLastIndex(began_ms -> began_ms != never, arraySlice(began_4, 1, if(reached <= 4, 0, place_5 - 1))))) /* else: last_place */ AS place_4,
            /* step_4: */ if(step_count <= 3, last_place, if(reached <= 3, last_place, arrayLastIndex(began_ms -> began_ms != never, arraySlice(began_3, 1, if(reached <= 3, 0, place_4 - 1))))) /* else: last_place */ AS place_3,
            /* step_3: */ if(step_count <= 2, last_place, if(reached <= 2, last_place, arrayLastIndex(began_ms -> began_ms != never, arraySlice(began_2, 1, if(reached <= 2, 0, place_3 - 1))))) /* else: last_place */ AS place_2,
            if(step_count <= 1, last_place, if(reached <= 1, last_place, arrayLastIndex(began_ms -> began_ms != never, arraySlice(began_1, 1, if(reached <= 1, 0, place_2 - 1))))) AS place_1
        FROM furthest
    )
SELECT
    project,
    person_id,
    breakdown_value,
    reached,
    arrayResize([own_at[place_1], own_at[place_2]/* step_3: */, own_at[place_3]/* else: *//* step_4: */, own_at[place_4]/* else: *//* step_5: */, own_at[place_5]/* else: *//* step_6: */, own_at[place_6]/* else: */], reached) AS times_taken,
    if(tells_ids, arrayResize([ids[place_1], ids[place_2]/* step_3: */, ids[place_3]/* else: *//* step_4: */, ids[place_4]/* else: *//* step_5: */, ids[place_5]/* else: *//* step_6: */, ids[place_6]/* else: */], reached), []) AS ids_taken
FROM traced
-- Whose best attempts were all excluded, where that ends the person, counts nowhere. No condition: below one the engine would work everything out twice.
/* drops: */ ARRAY JOIN if(drops_person AND place_6 = 0, CAST([], 'Array(UInt8)'), [1]) AS counts_once /* else: */
-- Nothing reaches this bound. Below it the engine would work out a condition on what is found here, such as `reached`, from the walks once more.
LIMIT 1000000000000000000
