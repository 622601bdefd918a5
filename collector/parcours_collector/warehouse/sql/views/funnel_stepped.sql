-- The pass behind `funnel_attempts` for plain rules, step by step over whole arrays, several times as fast as `funnel_walked`.
-- Plain are rules that `funnel_asked` says is_stepped of: in order, the best or the first attempt of a person, up to six steps and four exclusions that share no name with a step,
--   up to four conditions on three fields; no optional or first_ever step, nothing held or broken down, no interval; and where touchpoints of one instant go any way round, steps of
--   different names, no exclusion, and no within_seconds beside a grace. Of other rules it says nothing: no row.
-- Grain: one row a person who began. Keys: project, person_id. The attempt is the one that `funnel_walked` finds.
-- reached: its furthest step. times_taken (milliseconds since 1970) and ids_taken (as touchpoints_unique orders ids): of each step up to it.
-- Parameters: those of `funnel_walked`; may be left out: needs_ids (false: ids_taken may be empty; where no rule looks at a field, the journey index is read then).
CREATE OR REPLACE VIEW funnel_stepped AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool)} AS r,
    -- So long ago that no window reaches it.
    toInt64(-4000000000000000000) AS never,
    toInt64(-4000000000000000001) AS same,
    tupleElement(r, 'step_count') AS step_count,
    tupleElement(r, 'window_ms') AS window_ms,
    tupleElement(r, 'ties_any') AS ties_any,
    tupleElement(r, 'grace_ms') AS grace_ms,
    tupleElement(r, 'resolution_ms') AS resolution_ms,
    tupleElement(r, 'only_first') AS only_first,
    length(tupleElement(r, 'tests')) AS test_count,
    -- Worked out once. What is asked are the steps, the exclusions and the condition on everything, a bit each; of a walk then remain flags: 1, 2, 4 … = it is that step, 64, 128 … = it ends an attempt there.
    (
        SELECT (
            bars,
            met_by_names,
            arrayMap(met -> toUInt16(bitAnd(met, bitShiftLeft(1, step_count) - 1) + 64 * bars[bitShiftRight(met, step_count) + 1]), met_by_names),
            arrayMap(t -> toUInt16(arraySum(arrayMap((one, j) -> if(has(one.tests, t), 0, bitShiftLeft(1, j - 1)), tupleElement(r, 'asked'), arrayEnumerate(tupleElement(r, 'asked'))))), arrayResize(range(1, length(tupleElement(r, 'tests')) + 1), 4, 0)),
            arrayMap(name -> toUInt32(sipHash64(name)), tupleElement(r, 'names')),
            length(arrayDistinct(arrayMap(name -> toUInt32(sipHash64(name)), tupleElement(r, 'names')))) = length(tupleElement(r, 'names')),
            combinations,
            tupleElement(r, 'names')
        )
        FROM
        (
            SELECT
                arrayMap(name -> toUInt16(arraySum(arrayMap((one, j) -> if(has(one.names, name), bitShiftLeft(1, j - 1), 0), tupleElement(r, 'asked'), arrayEnumerate(tupleElement(r, 'asked'))))), tupleElement(r, 'names')) AS met_by_names,
                range(toUInt16(bitShiftLeft(1, least(length(tupleElement(r, 'barred')), 4)))) AS combinations,
                arrayMap(
                    bits -> toUInt16(arraySum(arrayMap(k -> if(arrayExists((range, e) -> bitTest(bits, e - 1) AND range.1 <= k AND k < range.2, arraySlice(tupleElement(r, 'barred'), 1, 4), arrayEnumerate(arraySlice(tupleElement(r, 'barred'), 1, 4))), bitShiftLeft(1, k - 1), 0), tupleElement(r, 'places')))),
                    combinations
                ) AS bars
        )
    ) AS plan,
    ifNull({needs_ids:Nullable(Bool)}, false) AS tells_ids,
    tupleElement(r, 'is_stepped') AND NOT tells_ids AND test_count = 0 AS reads_index,
    -- No two names that are asked have one number, and no other name has theirs.
    plan.6 AND (
        SELECT countIf(toUInt32(sipHash64(word)) IN plan.5 AND word NOT IN tupleElement(r, 'names'))
        FROM
        (
            SELECT name AS word
            FROM parcours.journey_nodes
            WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
            UNION ALL
            SELECT toString(name) AS word
            FROM parcours.touchpoints
            WHERE (project, UUIDv7ToDateTime(id, 'UTC')) IN (SELECT project, UUIDv7ToDateTime(id, 'UTC') FROM parcours.journey_index_changes)
        )
    ) = 0 AS numbers_differ,
    {from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AND {to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AS is_unbounded,
    ifNull(toUnixTimestamp64Milli({from_at:Nullable(DateTime64(3, 'UTC'))}), -9223372036854775808) AS from_ms,
    ifNull(toUnixTimestamp64Milli({to_at:Nullable(DateTime64(3, 'UTC'))}), 9223372036854775807) AS to_ms,
    notEmpty(tupleElement(r, 'barred')) AS has_exclusions,
    tupleElement(r, 'withins_ms')[2] AS within_2,
    within_2 < 1000000000000000 AS limited_2,
    tupleElement(r, 'withins_ms')[3] AS within_3,
    within_3 < 1000000000000000 AS limited_3,
    tupleElement(r, 'withins_ms')[4] AS within_4,
    within_4 < 1000000000000000 AS limited_4,
    tupleElement(r, 'withins_ms')[5] AS within_5,
    within_5 < 1000000000000000 AS limited_5,
    tupleElement(r, 'withins_ms')[6] AS within_6,
    within_6 < 1000000000000000 AS limited_6,
    -- The fields that conditions look at: at most three, columns first, then those in properties, then those in context.
    arrayConcat(tupleElement(r, 'in_properties'), tupleElement(r, 'in_context')) AS paths,
    length(tupleElement(r, 'columns')) AS column_count,
    column_count + length(tupleElement(r, 'in_properties')) AS early_count,
    column_count + length(paths) AS field_count,
    tupleElement(r, 'columns')[1] AS column_1,
    paths[1 - column_count] AS path_1,
    tupleElement(r, 'columns')[2] AS column_2,
    paths[2 - column_count] AS path_2,
    tupleElement(r, 'columns')[3] AS column_3,
    paths[3 - column_count] AS path_3,
    looked AS
    (
        SELECT
            project,
            person_id,
            name,
            occurred_at,
            id_order,
            if(1 <= early_count, properties, context) AS document_1,
            if(1 > field_count, '', if(1 <= column_count, if(column_1 = 'name', toString(name), if(column_1 = 'channel', toString(channel), if(column_1 = 'source', toString(source), if(column_1 = 'currency', toString(currency), if(column_1 = 'revenue', ifNull(toString(revenue), ''), coalesce(nullIf(JSONExtractString(properties, 'store_id'), ''), nullIf(JSONExtractString(context, 'store_id'), ''), toString(channel))))))), if(length(path_1) = 1, JSONExtractString(document_1, path_1[1]), JSONExtractString(document_1, path_1[1], path_1[2])))) AS text_1,
            if(1 > field_count OR 1 <= column_count, '', if(NOT tupleElement(r, 'compares_numbers') AND text_1 != '', '', if(length(path_1) = 1, JSONExtractRaw(document_1, path_1[1]), JSONExtractRaw(document_1, path_1[1], path_1[2])))) AS raw_1,
            if(1 > field_count OR 1 <= column_count, text_1, multiIf(text_1 != '', text_1, raw_1 IN ('null', '""'), '', raw_1)) AS found_1,
            if(1 <= column_count, column_1 = 'revenue' AND text_1 != '', match(raw_1, '^[-0-9]')) AS is_number_1,
            if(2 <= early_count, properties, context) AS document_2,
            if(2 > field_count, '', if(2 <= column_count, if(column_2 = 'name', toString(name), if(column_2 = 'channel', toString(channel), if(column_2 = 'source', toString(source), if(column_2 = 'currency', toString(currency), if(column_2 = 'revenue', ifNull(toString(revenue), ''), coalesce(nullIf(JSONExtractString(properties, 'store_id'), ''), nullIf(JSONExtractString(context, 'store_id'), ''), toString(channel))))))), if(length(path_2) = 1, JSONExtractString(document_2, path_2[1]), JSONExtractString(document_2, path_2[1], path_2[2])))) AS text_2,
            if(2 > field_count OR 2 <= column_count, '', if(NOT tupleElement(r, 'compares_numbers') AND text_2 != '', '', if(length(path_2) = 1, JSONExtractRaw(document_2, path_2[1]), JSONExtractRaw(document_2, path_2[1], path_2[2])))) AS raw_2,
            if(2 > field_count OR 2 <= column_count, text_2, multiIf(text_2 != '', text_2, raw_2 IN ('null', '""'), '', raw_2)) AS found_2,
            if(2 <= column_count, column_2 = 'revenue' AND text_2 != '', match(raw_2, '^[-0-9]')) AS is_number_2,
            if(3 <= early_count, properties, context) AS document_3,
            if(3 > field_count, '', if(3 <= column_count, if(column_3 = 'name', toString(name), if(column_3 = 'channel', toString(channel), if(column_3 = 'source', toString(source), if(column_3 = 'currency', toString(currency), if(column_3 = 'revenue', ifNull(toString(revenue), ''), coalesce(nullIf(JSONExtractString(properties, 'store_id'), ''), nullIf(JSONExtractString(context, 'store_id'), ''), toString(channel))))))), if(length(path_3) = 1, JSONExtractString(document_3, path_3[1]), JSONExtractString(document_3, path_3[1], path_3[2])))) AS text_3,
            -- What is no text is as it is written; it is read where no text was found, or where a number has to be told from a text.
            if(3 > field_count OR 3 <= column_count, '', if(NOT tupleElement(r, 'compares_numbers') AND text_3 != '', '', if(length(path_3) = 1, JSONExtractRaw(document_3, path_3[1]), JSONExtractRaw(document_3, path_3[1], path_3[2])))) AS raw_3,
            if(3 > field_count OR 3 <= column_count, text_3, multiIf(text_3 != '', text_3, raw_3 IN ('null', '""'), '', raw_3)) AS found_3,
            if(3 <= column_count, column_3 = 'revenue' AND text_3 != '', match(raw_3, '^[-0-9]')) AS is_number_3
        FROM parcours.touchpoints_unique
        WHERE tupleElement(r, 'is_stepped')
          AND NOT reads_index
          AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
          AND ({from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL OR occurred_at >= {from_at:Nullable(DateTime64(3, 'UTC'))})
          AND ({to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL OR occurred_at < {to_at:Nullable(DateTime64(3, 'UTC'))})
          AND name IN tupleElement(r, 'names')
          AND person_id != 0
    ),
    flagged AS
    (
        SELECT
            project,
            person_id,
            occurred_at,
            id_order,
            tupleElement(r, 'tests')[1] AS test_1,
            if(tupleElement(test_1, 'field') = 1, found_1, if(tupleElement(test_1, 'field') = 2, found_2, found_3)) AS looked_1,
            if(1 > test_count, true, if(tupleElement(test_1, 'operator') IN ('=', '!='), (tupleElement(test_1, 'operator') = '=') = if(
                    empty(tupleElement(test_1, 'numbers')), has(tupleElement(test_1, 'operands'), looked_1),
                    has(tupleElement(test_1, 'operands'), looked_1) OR (if(tupleElement(test_1, 'field') = 1, is_number_1, if(tupleElement(test_1, 'field') = 2, is_number_2, is_number_3)) AND has(tupleElement(test_1, 'numbers'), toFloat64OrZero(looked_1)))
                ), if(tupleElement(test_1, 'operator') = 'contains', arrayExists(operand -> position(looked_1, operand) > 0, tupleElement(test_1, 'operands')), if(tupleElement(test_1, 'operator') = 'set', looked_1 != '', if(tupleElement(test_1, 'operator') = 'unset', looked_1 = '', if(toFloat64OrNull(tupleElement(test_1, 'operands')[1]) IS NULL, looked_1 != '' AND if(tupleElement(test_1, 'operator') = '<', looked_1 < tupleElement(test_1, 'operands')[1], if(tupleElement(test_1, 'operator') = '<=', looked_1 <= tupleElement(test_1, 'operands')[1], if(tupleElement(test_1, 'operator') = '>', looked_1 > tupleElement(test_1, 'operands')[1], looked_1 >= tupleElement(test_1, 'operands')[1]))), ifNull(if(tupleElement(test_1, 'operator') = '<', toFloat64OrNull(looked_1) < toFloat64OrNull(tupleElement(test_1, 'operands')[1]), if(tupleElement(test_1, 'operator') = '<=', toFloat64OrNull(looked_1) <= toFloat64OrNull(tupleElement(test_1, 'operands')[1]), if(tupleElement(test_1, 'operator') = '>', toFloat64OrNull(looked_1) > toFloat64OrNull(tupleElement(test_1, 'operands')[1]), toFloat64OrNull(looked_1) >= toFloat64OrNull(tupleElement(test_1, 'operands')[1])))), false))))))) AS passes_1,
            tupleElement(r, 'tests')[2] AS test_2,
            if(tupleElement(test_2, 'field') = 1, found_1, if(tupleElement(test_2, 'field') = 2, found_2, found_3)) AS looked_2,
            if(2 > test_count, true, if(tupleElement(test_2, 'operator') IN ('=', '!='), (tupleElement(test_2, 'operator') = '=') = if(
                    empty(tupleElement(test_2, 'numbers')), has(tupleElement(test_2, 'operands'), looked_2),
                    has(tupleElement(test_2, 'operands'), looked_2) OR (if(tupleElement(test_2, 'field') = 1, is_number_1, if(tupleElement(test_2, 'field') = 2, is_number_2, is_number_3)) AND has(tupleElement(test_2, 'numbers'), toFloat64OrZero(looked_2)))
                ), if(tupleElement(test_2, 'operator') = 'contains', arrayExists(operand -> position(looked_2, operand) > 0, tupleElement(test_2, 'operands')), if(tupleElement(test_2, 'operator') = 'set', looked_2 != '', if(tupleElement(test_2, 'operator') = 'unset', looked_2 = '', if(toFloat64OrNull(tupleElement(test_2, 'operands')[1]) IS NULL, looked_2 != '' AND if(tupleElement(test_2, 'operator') = '<', looked_2 < tupleElement(test_2, 'operands')[1], if(tupleElement(test_2, 'operator') = '<=', looked_2 <= tupleElement(test_2, 'operands')[1], if(tupleElement(test_2, 'operator') = '>', looked_2 > tupleElement(test_2, 'operands')[1], looked_2 >= tupleElement(test_2, 'operands')[1]))), ifNull(if(tupleElement(test_2, 'operator') = '<', toFloat64OrNull(looked_2) < toFloat64OrNull(tupleElement(test_2, 'operands')[1]), if(tupleElement(test_2, 'operator') = '<=', toFloat64OrNull(looked_2) <= toFloat64OrNull(tupleElement(test_2, 'operands')[1]), if(tupleElement(test_2, 'operator') = '>', toFloat64OrNull(looked_2) > toFloat64OrNull(tupleElement(test_2, 'operands')[1]), toFloat64OrNull(looked_2) >= toFloat64OrNull(tupleElement(test_2, 'operands')[1])))), false))))))) AS passes_2,
            tupleElement(r, 'tests')[3] AS test_3,
            if(tupleElement(test_3, 'field') = 1, found_1, if(tupleElement(test_3, 'field') = 2, found_2, found_3)) AS looked_3,
            if(3 > test_count, true, if(tupleElement(test_3, 'operator') IN ('=', '!='), (tupleElement(test_3, 'operator') = '=') = if(
                    empty(tupleElement(test_3, 'numbers')), has(tupleElement(test_3, 'operands'), looked_3),
                    has(tupleElement(test_3, 'operands'), looked_3) OR (if(tupleElement(test_3, 'field') = 1, is_number_1, if(tupleElement(test_3, 'field') = 2, is_number_2, is_number_3)) AND has(tupleElement(test_3, 'numbers'), toFloat64OrZero(looked_3)))
                ), if(tupleElement(test_3, 'operator') = 'contains', arrayExists(operand -> position(looked_3, operand) > 0, tupleElement(test_3, 'operands')), if(tupleElement(test_3, 'operator') = 'set', looked_3 != '', if(tupleElement(test_3, 'operator') = 'unset', looked_3 = '', if(toFloat64OrNull(tupleElement(test_3, 'operands')[1]) IS NULL, looked_3 != '' AND if(tupleElement(test_3, 'operator') = '<', looked_3 < tupleElement(test_3, 'operands')[1], if(tupleElement(test_3, 'operator') = '<=', looked_3 <= tupleElement(test_3, 'operands')[1], if(tupleElement(test_3, 'operator') = '>', looked_3 > tupleElement(test_3, 'operands')[1], looked_3 >= tupleElement(test_3, 'operands')[1]))), ifNull(if(tupleElement(test_3, 'operator') = '<', toFloat64OrNull(looked_3) < toFloat64OrNull(tupleElement(test_3, 'operands')[1]), if(tupleElement(test_3, 'operator') = '<=', toFloat64OrNull(looked_3) <= toFloat64OrNull(tupleElement(test_3, 'operands')[1]), if(tupleElement(test_3, 'operator') = '>', toFloat64OrNull(looked_3) > toFloat64OrNull(tupleElement(test_3, 'operands')[1]), toFloat64OrNull(looked_3) >= toFloat64OrNull(tupleElement(test_3, 'operands')[1])))), false))))))) AS passes_3,
            tupleElement(r, 'tests')[4] AS test_4,
            if(tupleElement(test_4, 'field') = 1, found_1, if(tupleElement(test_4, 'field') = 2, found_2, found_3)) AS looked_4,
            if(4 > test_count, true, if(tupleElement(test_4, 'operator') IN ('=', '!='), (tupleElement(test_4, 'operator') = '=') = if(
                    empty(tupleElement(test_4, 'numbers')), has(tupleElement(test_4, 'operands'), looked_4),
                    has(tupleElement(test_4, 'operands'), looked_4) OR (if(tupleElement(test_4, 'field') = 1, is_number_1, if(tupleElement(test_4, 'field') = 2, is_number_2, is_number_3)) AND has(tupleElement(test_4, 'numbers'), toFloat64OrZero(looked_4)))
                ), if(tupleElement(test_4, 'operator') = 'contains', arrayExists(operand -> position(looked_4, operand) > 0, tupleElement(test_4, 'operands')), if(tupleElement(test_4, 'operator') = 'set', looked_4 != '', if(tupleElement(test_4, 'operator') = 'unset', looked_4 = '', if(toFloat64OrNull(tupleElement(test_4, 'operands')[1]) IS NULL, looked_4 != '' AND if(tupleElement(test_4, 'operator') = '<', looked_4 < tupleElement(test_4, 'operands')[1], if(tupleElement(test_4, 'operator') = '<=', looked_4 <= tupleElement(test_4, 'operands')[1], if(tupleElement(test_4, 'operator') = '>', looked_4 > tupleElement(test_4, 'operands')[1], looked_4 >= tupleElement(test_4, 'operands')[1]))), ifNull(if(tupleElement(test_4, 'operator') = '<', toFloat64OrNull(looked_4) < toFloat64OrNull(tupleElement(test_4, 'operands')[1]), if(tupleElement(test_4, 'operator') = '<=', toFloat64OrNull(looked_4) <= toFloat64OrNull(tupleElement(test_4, 'operands')[1]), if(tupleElement(test_4, 'operator') = '>', toFloat64OrNull(looked_4) > toFloat64OrNull(tupleElement(test_4, 'operands')[1]), toFloat64OrNull(looked_4) >= toFloat64OrNull(tupleElement(test_4, 'operands')[1])))), false))))))) AS passes_4,
            bitAnd(
                transform(name, plan.8, plan.2, toUInt16(0)) + bitShiftLeft(toUInt16(1), length(tupleElement(r, 'asked')) - 1),
                bitAnd(bitAnd(if(passes_1, toUInt16(65535), plan.4[1]), if(passes_2, toUInt16(65535), plan.4[2])), bitAnd(if(passes_3, toUInt16(65535), plan.4[3]), if(passes_4, toUInt16(65535), plan.4[4])))
            ) AS met,
            if(
                bitTest(met, least(length(tupleElement(r, 'asked')), 16) - 1),
                toUInt16(bitAnd(met, bitShiftLeft(1, step_count) - 1) + if(has_exclusions, 64 * transform(toUInt16(bitAnd(bitShiftRight(met, step_count), bitShiftLeft(1, length(tupleElement(r, 'barred'))) - 1)), plan.7, plan.1, toUInt16(0)), 0)),
                toUInt16(0)
            ) AS flags
        FROM looked
    ),
    -- A touchpoint is one number until its walk is in order: its time (from long before 1970), its id, its flags.
    gathered AS
    (
        SELECT
            of_project,
            person_id,
            arraySort(groupArray(bitShiftLeft(toUInt256(toUnixTimestamp64Milli(occurred_at) + 4611686018427387904), 192) + bitShiftLeft(toUInt256(id_order), 64) + flags)) AS touches
        FROM flagged
        WHERE flags != 0
        GROUP BY
            -- A key of text takes three times as long as the number alone: one project that is named needs none.
            if({project:Nullable(String)} IS NULL, toString(project), '') AS of_project,
            person_id
    ),
    walks AS
    (
        SELECT
            ifNull({project:Nullable(String)}, of_project) AS project,
            person_id,
            arrayMap(touch -> toInt64(toUInt64(bitShiftRight(touch, 192)) - 4611686018427387904), touches) AS all_at,
            arrayMap(touch -> toUInt16(touch), touches) AS all_flags,
            if(tells_ids, arrayMap(touch -> toUInt128(bitShiftRight(touch, 64)), touches), []) AS all_ids
        FROM gathered
        UNION ALL
        SELECT
            toString(project),
            person_id,
            arrayFilter((at_ms, flag) -> flag > 0, times, inside),
            arrayFilter(flag -> flag > 0, inside),
            []
        FROM
        (
            SELECT
                project,
                person_id,
                times,
                if(
                    numbers_differ,
                    arrayMap(number -> transform(number, plan.5, plan.3, toUInt16(0)), name_numbers),
                    arrayMap(name -> transform(toString(name), plan.8, plan.3, toUInt16(0)), names)
                ) AS named,
                if(is_unbounded, named, arrayMap((flag, at_ms) -> if(at_ms >= from_ms AND at_ms < to_ms, flag, toUInt16(0)), named, times)) AS inside
            FROM parcours.walks_indexed
            WHERE reads_index
              AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
        )
    ),
    -- Times are cut to the resolution, and of touchpoints of one time that are the same steps one counts.
    cut_walks AS
    (
        SELECT
            project,
            person_id,
            if(resolution_ms = 1, all_at, arrayFilter((at_ms, time_seen) -> time_seen = 1, cut_at, times_seen)) AS at,
            if(resolution_ms = 1, all_flags, arrayFilter((flag, time_seen) -> time_seen = 1, all_flags, times_seen)) AS flags,
            if(NOT tells_ids OR resolution_ms = 1, all_ids, arrayFilter((id, time_seen) -> time_seen = 1, all_ids, times_seen)) AS ids
        FROM
        (
            SELECT
                *,
                arrayEnumerateUniq(cut_at, all_flags) AS times_seen
            FROM
            (
                SELECT
                    *,
                    if(resolution_ms = 1, all_at, arrayMap(at_ms -> intDiv(at_ms, resolution_ms) * resolution_ms, all_at)) AS cut_at
                FROM walks
            )
        )
    ),
    -- Where touchpoints of one instant, or of the grace, may go any way round, those before are told again after each, at its time, as often as steps can be done so without a gap: they take
    --   an attempt further, and begin none. It changes nothing unless one of an earlier step follows one of a later step: few walks need it.
    told_walks AS
    (
        SELECT
            *,
            if(NOT ties_any OR NOT arrayExists((pause_ms, flag, before) -> pause_ms <= grace_ms AND flag < before, arrayDifference(at), flags, arrayPopBack(arrayPushFront(flags, 0))), [], arrayFlatten(arrayMap(
                run -> arrayMap(
                    (touch, place, next_ms) -> (
                        if(next_ms = touch.1 OR place = 1, [], arrayFilter((one, one_place) -> one_place <= place AND touch.1 - one.1 <= grace_ms, run, arrayEnumerate(run))) AS earlier,
                        arrayReduce('groupBitOr', arrayMap(one -> one.2, earlier)) AS done,
                        arrayReduce('groupBitOr', arrayMap(one -> if(one.1 = touch.1, one.2, toUInt16(0)), earlier)) AS done_now,
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
                    run, arrayEnumerate(run), arrayPushBack(arrayPopFront(run.1), toInt64(9223372036854775807))
                ),
                arraySplit((touch, pause_ms) -> pause_ms > grace_ms, arrayZip(at, flags, if(tells_ids, ids, arrayMap(flag -> toUInt128(0), flags))), arrayDifference(at))
            ))) AS told
        FROM cut_walks
    ),
    turned_walks AS
    (
        SELECT
            project,
            person_id,
            if(NOT ties_any OR empty(told), at, told.1) AS at,
            if(NOT ties_any OR empty(told), flags, told.2) AS flags,
            if(NOT ties_any OR grace_ms = 0 OR empty(told), at, told.3) AS own_at,
            if(NOT ties_any OR empty(told), ids, told.4) AS ids
        FROM told_walks
    ),
    -- began_k: for each touchpoint by which an attempt comes to step k, when that attempt began; `never` for any other. Before each touchpoint one waits there, the last that came,
    --   unless it has since gone on or been ended: a later touchpoint of the next step that came too late for the window is too late for good. A query a step: an alias is
    --   repeated wherever it is named.
    came_to_1 AS
    (
        SELECT
            project,
            person_id,
            at,
            own_at,
            flags,
            ids,
            if(
                only_first,
                arrayMap((at_ms, place) -> if(place = first_place, at_ms, never), at, arrayEnumerate(at)),
                arrayMap((at_ms, flag) -> if(bitTest(flag, 0), at_ms, never), at, flags)
            ) AS began_1
        FROM
        (
            SELECT
                *,
                if(only_first, arrayFirstIndex(flag -> bitTest(flag, 0), flags), 0) AS first_place
            FROM turned_walks
        )
        WHERE arrayExists(flag -> bitTest(flag, 0), flags)
    ),
    came_to_2 AS
    (
        SELECT
            project,
            person_id,
            at,
            own_at,
            flags,
            ids,
            began_1,
            if(step_count < 2, [], arrayMap(
                (at_ms, flag, waits_ms, came_ms) -> if(bitTest(flag, 1) AND at_ms - waits_ms <= window_ms AND (NOT limited_2 OR at_ms - came_ms <= within_2), waits_ms, never),
                at, flags,
                arrayPopBack(arrayPushFront(arrayFill(waits_ms -> waits_ms != same, arrayMap((began_ms, flag) -> multiIf(began_ms != never, began_ms, bitTest(flag, 1) OR (has_exclusions AND bitTest(flag, 6)), never, same), began_1, flags)), never)),
                if(limited_2, arrayPopBack(arrayPushFront(arrayFill(came_ms -> came_ms != never, arrayMap((at_ms, began_ms) -> if(began_ms = never, never, at_ms), at, began_1)), never)), at)
            )) AS began_2
        FROM came_to_1
    ),
    came_to_3 AS
    (
        SELECT
            project,
            person_id,
            at,
            own_at,
            flags,
            ids,
            began_1,
            began_2,
            if(step_count < 3, [], arrayMap(
                (at_ms, flag, waits_ms, came_ms) -> if(bitTest(flag, 2) AND at_ms - waits_ms <= window_ms AND (NOT limited_3 OR at_ms - came_ms <= within_3), waits_ms, never),
                at, flags,
                arrayPopBack(arrayPushFront(arrayFill(waits_ms -> waits_ms != same, arrayMap((began_ms, flag) -> multiIf(began_ms != never, began_ms, bitTest(flag, 2) OR (has_exclusions AND bitTest(flag, 7)), never, same), began_2, flags)), never)),
                if(limited_3, arrayPopBack(arrayPushFront(arrayFill(came_ms -> came_ms != never, arrayMap((at_ms, began_ms) -> if(began_ms = never, never, at_ms), at, began_2)), never)), at)
            )) AS began_3
        FROM came_to_2
    ),
    came_to_4 AS
    (
        SELECT
            project,
            person_id,
            at,
            own_at,
            flags,
            ids,
            began_1,
            began_2,
            began_3,
            if(step_count < 4, [], arrayMap(
                (at_ms, flag, waits_ms, came_ms) -> if(bitTest(flag, 3) AND at_ms - waits_ms <= window_ms AND (NOT limited_4 OR at_ms - came_ms <= within_4), waits_ms, never),
                at, flags,
                arrayPopBack(arrayPushFront(arrayFill(waits_ms -> waits_ms != same, arrayMap((began_ms, flag) -> multiIf(began_ms != never, began_ms, bitTest(flag, 3) OR (has_exclusions AND bitTest(flag, 8)), never, same), began_3, flags)), never)),
                if(limited_4, arrayPopBack(arrayPushFront(arrayFill(came_ms -> came_ms != never, arrayMap((at_ms, began_ms) -> if(began_ms = never, never, at_ms), at, began_3)), never)), at)
            )) AS began_4
        FROM came_to_3
    ),
    came_to_5 AS
    (
        SELECT
            project,
            person_id,
            at,
            own_at,
            flags,
            ids,
            began_1,
            began_2,
            began_3,
            began_4,
            if(step_count < 5, [], arrayMap(
                (at_ms, flag, waits_ms, came_ms) -> if(bitTest(flag, 4) AND at_ms - waits_ms <= window_ms AND (NOT limited_5 OR at_ms - came_ms <= within_5), waits_ms, never),
                at, flags,
                arrayPopBack(arrayPushFront(arrayFill(waits_ms -> waits_ms != same, arrayMap((began_ms, flag) -> multiIf(began_ms != never, began_ms, bitTest(flag, 4) OR (has_exclusions AND bitTest(flag, 9)), never, same), began_4, flags)), never)),
                if(limited_5, arrayPopBack(arrayPushFront(arrayFill(came_ms -> came_ms != never, arrayMap((at_ms, began_ms) -> if(began_ms = never, never, at_ms), at, began_4)), never)), at)
            )) AS began_5
        FROM came_to_4
    ),
    came_to_6 AS
    (
        SELECT
            project,
            person_id,
            at,
            own_at,
            flags,
            ids,
            began_1,
            began_2,
            began_3,
            began_4,
            began_5,
            if(step_count < 6, [], arrayMap(
                (at_ms, flag, waits_ms, came_ms) -> if(bitTest(flag, 5) AND at_ms - waits_ms <= window_ms AND (NOT limited_6 OR at_ms - came_ms <= within_6), waits_ms, never),
                at, flags,
                arrayPopBack(arrayPushFront(arrayFill(waits_ms -> waits_ms != same, arrayMap((began_ms, flag) -> multiIf(began_ms != never, began_ms, bitTest(flag, 5) OR (has_exclusions AND bitTest(flag, 10)), never, same), began_5, flags)), never)),
                if(limited_6, arrayPopBack(arrayPushFront(arrayFill(came_ms -> came_ms != never, arrayMap((at_ms, began_ms) -> if(began_ms = never, never, at_ms), at, began_5)), never)), at)
            )) AS began_6
        FROM came_to_5
    ),
    -- Which of the attempts that came furthest counts: the first that ended there. One that came later took the place of an earlier one, unless that was over by then.
    furthest AS
    (
        SELECT
            project,
            person_id,
            at,
            own_at,
            ids,
            reached,
            began_1,
            began_2,
            began_3,
            began_4,
            began_5,
            began_6,
            arrayFilter((ended, began_ms) -> began_ms != never, if(has_exclusions, arrayCumSum(arrayMap(flag -> toInt64(bitAnd(bitShiftRight(flag, 5 + reached), 1)), flags)), at), began_there) AS ended_before,
            arrayFilter((place, began_ms) -> began_ms != never, arrayEnumerate(began_there), began_there)[if(
                reached = step_count, 1,
                arrayFirstIndex(
                    (began_ms, next_ms, ended, next_ended) -> next_ms - began_ms > window_ms OR (has_exclusions AND next_ended > ended),
                    arrayFilter(began_ms -> began_ms != never, began_there),
                    arrayPushBack(arrayPopFront(arrayFilter((at_ms, began_ms) -> began_ms != never, at, began_there)), toInt64(4000000000000000000)),
                    ended_before,
                    arrayPushBack(arrayPopFront(ended_before), toInt64(0))
                )
            )] AS last_place
        FROM
        (
            SELECT
                *,
                multiIf(reached = 6, began_6, reached = 5, began_5, reached = 4, began_4, reached = 3, began_3, reached = 2, began_2, began_1) AS began_there
            FROM
            (
                SELECT
                    *,
                    toUInt16(multiIf(step_count >= 6 AND arrayExists(began_ms -> began_ms != never, began_6), 6, step_count >= 5 AND arrayExists(began_ms -> began_ms != never, began_5), 5, step_count >= 4 AND arrayExists(began_ms -> began_ms != never, began_4), 4, step_count >= 3 AND arrayExists(began_ms -> began_ms != never, began_3), 3, step_count >= 2 AND arrayExists(began_ms -> began_ms != never, began_2), 2, 1)) AS reached
                FROM came_to_6
            )
        )
    ),
    traced AS
    (
        SELECT
            project,
            person_id,
            own_at,
            ids,
            reached,
            last_place AS place_6,
            if(step_count <= 5, last_place, if(reached <= 5, last_place, arrayLastIndex((began_ms, place) -> began_ms != never AND place < place_6, began_5, arrayEnumerate(began_5)))) AS place_5,
            if(step_count <= 4, last_place, if(reached <= 4, last_place, arrayLastIndex((began_ms, place) -> began_ms != never AND place < place_5, began_4, arrayEnumerate(began_4)))) AS place_4,
            if(step_count <= 3, last_place, if(reached <= 3, last_place, arrayLastIndex((began_ms, place) -> began_ms != never AND place < place_4, began_3, arrayEnumerate(began_3)))) AS place_3,
            if(step_count <= 2, last_place, if(reached <= 2, last_place, arrayLastIndex((began_ms, place) -> began_ms != never AND place < place_3, began_2, arrayEnumerate(began_2)))) AS place_2,
            if(step_count <= 1, last_place, if(reached <= 1, last_place, arrayLastIndex((began_ms, place) -> began_ms != never AND place < place_2, began_1, arrayEnumerate(began_1)))) AS place_1
        FROM furthest
    )
SELECT
    project,
    person_id,
    reached,
    arrayResize([own_at[place_1], own_at[place_2], own_at[place_3], own_at[place_4], own_at[place_5], own_at[place_6]], reached) AS times_taken,
    if(tells_ids, arrayResize([ids[place_1], ids[place_2], ids[place_3], ids[place_4], ids[place_5], ids[place_6]], reached), []) AS ids_taken
FROM traced
