-- The walks of a funnel by plain rules: what `funnel_stepped` goes over, read from the touchpoints with the fields that conditions look at.
-- Grain: one row a person. Keys: project, person_id. Columns are those of `funnel_walks_indexed`, all_ids (as touchpoints_unique orders ids) with needs_ids.
-- Not counted: rules that `funnel_asked` does not say is_stepped of, and without needs_ids those that it says reads_index of; touchpoints of nobody (person_id 0).
-- Parameters: those of `funnel_stepped`. In a question that reads walks from the index, is_few: only touchpoints of the names that conditions stand on, those that are nothing among them; is_wide: as there.
CREATE OR REPLACE VIEW funnel_walks_looked AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)} AS r,
    tupleElement(r, 'step_count') AS step_count,
    length(tupleElement(r, 'tests')) AS test_count,
    notEmpty(tupleElement(r, 'barred')) AS has_exclusions,
    /* few: */ ifNull({is_few:Nullable(Bool)}, false) AS is_few,
    ifNull({is_wide:Nullable(Bool)}, false) AS is_wide, /* else: */
    /* few: */ if(is_few, 0, tupleElement(r, 'breakdown_field')) /* else: tupleElement(r, 'breakdown_field') */ AS breakdown_field,
    ifNull({needs_ids:Nullable(Bool)}, false) AS tells_ids,
    /* few: */ if(is_few, is_wide OR (tupleElement(r, 'looks_at_few') AND NOT tells_ids), tupleElement(r, 'is_stepped') AND (tells_ids OR NOT (tupleElement(r, 'reads_index') OR tupleElement(r, 'looks_at_few'))))
        /* else: tupleElement(r, 'is_stepped') AND (tells_ids OR NOT tupleElement(r, 'reads_index')) */ AS is_asked,
    -- A shift by eight or more of a number of eight bits is 0: what is shifted has sixteen.
    -- Worked out once. What is asked are the steps, the exclusions and the condition on everything, a bit each; of a walk then remain flags: 1, 2, 4 … = it is that step, 64, 128 … = it ends an attempt there.
    (
        SELECT (
            bars,
            met_by_names,
            arrayMap(t -> toUInt16(arraySum(arrayMap((one, j) -> if(has(one.tests, t), 0, bitShiftLeft(toUInt16(1), j - 1)), tupleElement(r, 'asked'), arrayEnumerate(tupleElement(r, 'asked'))))), arrayResize(range(1, length(tupleElement(r, 'tests')) + 1), 4, 0)),
            combinations,
            known
            /* few: */ , toUInt16(arraySum(arrayMap((one, j) -> if(empty(one.names) AND j < length(tupleElement(r, 'asked')), bitShiftLeft(toUInt16(1), j - 1), 0), tupleElement(r, 'asked'), arrayEnumerate(tupleElement(r, 'asked'))))) /* else: */
        )
        FROM
        (
            SELECT
                -- Never none: where every step may be of any name, no touchpoint is of none.
                arrayPushBack(tupleElement(r, 'names'), '') AS known,
                arrayMap(name -> toUInt16(arraySum(arrayMap((one, j) -> if(has(one.names, name), bitShiftLeft(toUInt16(1), j - 1), 0), tupleElement(r, 'asked'), arrayEnumerate(tupleElement(r, 'asked'))))), known) AS met_by_names,
                range(toUInt16(bitShiftLeft(toUInt16(1), least(length(tupleElement(r, 'barred')), 4)))) AS combinations,
                arrayMap(
                    bits -> toUInt16(arraySum(arrayMap(k -> if(arrayExists((range, e) -> bitTest(bits, e - 1) AND range.1 <= k AND k < range.2, arraySlice(tupleElement(r, 'barred'), 1, 4), arrayEnumerate(arraySlice(tupleElement(r, 'barred'), 1, 4))), bitShiftLeft(toUInt16(1), k - 1), 0), tupleElement(r, 'places')))),
                    combinations
                ) AS bars
        )
    ) AS plan,
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
    -- Query upon query: an alias is repeated wherever it is named, and a condition names what it looks at a dozen times.
    read AS
    (
        SELECT
            project,
            person_id,
            name,
            occurred_at,
            id_order,
            /* field_1: */ if(1 <= early_count, properties, context) /* else: '' */ AS document_1,
            /* field_1: */ if(1 > field_count, '', identity(
                /* columns: */ if(1 <= column_count, identity(if(column_1 = 'name', CAST(name, 'String'), identity(if(column_1 = 'channel', CAST(channel, 'String'), identity(if(column_1 = 'source', CAST(source, 'String'), identity(if(column_1 = 'currency', CAST(currency, 'String'), identity(if(column_1 = 'revenue', ifNull(toString(revenue), ''), coalesce(nullIf(JSONExtractString(properties, 'store_id'), ''), nullIf(JSONExtractString(context, 'store_id'), ''), CAST(channel, 'String')))))))))))), identity( /* else: (( */
                /* deep: */ if(length(path_1) = 1, JSONExtractString(document_1, path_1[1]), JSONExtractString(document_1, path_1[1], path_1[2])) /* else: JSONExtractString(document_1, path_1[1]) */
                ))
            )) /* else: '' */ AS text_1,
            /* field_1: */ if(1 > field_count OR 1 <= column_count, '', identity(if(NOT tupleElement(r, 'compares_numbers') AND text_1 != '', '', identity(/* deep: */ if(length(path_1) = 1, JSONExtractRaw(document_1, path_1[1]), JSONExtractRaw(document_1, path_1[1], path_1[2])) /* else: JSONExtractRaw(document_1, path_1[1]) */)))) /* else: '' */ AS raw_1,
            /* field_2: */ if(2 <= early_count, properties, context) /* else: '' */ AS document_2,
            /* field_2: */ if(2 > field_count, '', identity(
                /* columns: */ if(2 <= column_count, identity(if(column_2 = 'name', CAST(name, 'String'), identity(if(column_2 = 'channel', CAST(channel, 'String'), identity(if(column_2 = 'source', CAST(source, 'String'), identity(if(column_2 = 'currency', CAST(currency, 'String'), identity(if(column_2 = 'revenue', ifNull(toString(revenue), ''), coalesce(nullIf(JSONExtractString(properties, 'store_id'), ''), nullIf(JSONExtractString(context, 'store_id'), ''), CAST(channel, 'String')))))))))))), identity( /* else: (( */
                /* deep: */ if(length(path_2) = 1, JSONExtractString(document_2, path_2[1]), JSONExtractString(document_2, path_2[1], path_2[2])) /* else: JSONExtractString(document_2, path_2[1]) */
                ))
            )) /* else: '' */ AS text_2,
            /* field_2: */ if(2 > field_count OR 2 <= column_count, '', identity(if(NOT tupleElement(r, 'compares_numbers') AND text_2 != '', '', identity(/* deep: */ if(length(path_2) = 1, JSONExtractRaw(document_2, path_2[1]), JSONExtractRaw(document_2, path_2[1], path_2[2])) /* else: JSONExtractRaw(document_2, path_2[1]) */)))) /* else: '' */ AS raw_2,
            /* field_3: */ if(3 <= early_count, properties, context) /* else: '' */ AS document_3,
            /* field_3: */ if(3 > field_count, '', identity(
                /* columns: */ if(3 <= column_count, identity(if(column_3 = 'name', CAST(name, 'String'), identity(if(column_3 = 'channel', CAST(channel, 'String'), identity(if(column_3 = 'source', CAST(source, 'String'), identity(if(column_3 = 'currency', CAST(currency, 'String'), identity(if(column_3 = 'revenue', ifNull(toString(revenue), ''), coalesce(nullIf(JSONExtractString(properties, 'store_id'), ''), nullIf(JSONExtractString(context, 'store_id'), ''), CAST(channel, 'String')))))))))))), identity( /* else: (( */
                /* deep: */ if(length(path_3) = 1, JSONExtractString(document_3, path_3[1]), JSONExtractString(document_3, path_3[1], path_3[2])) /* else: JSONExtractString(document_3, path_3[1]) */
                ))
            )) /* else: '' */ AS text_3,
            -- What is no text is as it is written; it is read where no text was found, or where a number has to be told from a text.
            /* field_3: */ if(3 > field_count OR 3 <= column_count, '', identity(if(NOT tupleElement(r, 'compares_numbers') AND text_3 != '', '', identity(/* deep: */ if(length(path_3) = 1, JSONExtractRaw(document_3, path_3[1]), JSONExtractRaw(document_3, path_3[1], path_3[2])) /* else: JSONExtractRaw(document_3, path_3[1]) */)))) /* else: '' */ AS raw_3
        FROM parcours.touchpoints_unique
        WHERE is_asked
          AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
          AND ({from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL OR occurred_at >= {from_at:Nullable(DateTime64(3, 'UTC'))})
          AND ({to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL OR occurred_at < {to_at:Nullable(DateTime64(3, 'UTC'))})
          AND /* few: */ ((is_few AND tupleElement(r, 'few_is_all')) OR name IN if(is_few, tupleElement(r, 'few'), tupleElement(r, 'names'))) /* else: name IN tupleElement(r, 'names') */
          AND person_id != 0
    ),
    looked AS
    (
        SELECT
            *,
            /* field_1: */ if(1 > field_count OR 1 <= column_count, identity(text_1), multiIf(text_1 != '', text_1, raw_1 IN ('null', '""'), '', raw_1)) /* else: '' */ AS found_1,
            /* field_1: */ /* by_number: */ if(1 <= column_count, column_1 = 'revenue' AND text_1 != '', match(raw_1, '^[-0-9]')) /* else: false */ /* else: false */ AS is_number_1,
            /* field_2: */ if(2 > field_count OR 2 <= column_count, identity(text_2), multiIf(text_2 != '', text_2, raw_2 IN ('null', '""'), '', raw_2)) /* else: '' */ AS found_2,
            /* field_2: */ /* by_number: */ if(2 <= column_count, column_2 = 'revenue' AND text_2 != '', match(raw_2, '^[-0-9]')) /* else: false */ /* else: false */ AS is_number_2,
            /* field_3: */ if(3 > field_count OR 3 <= column_count, identity(text_3), multiIf(text_3 != '', text_3, raw_3 IN ('null', '""'), '', raw_3)) /* else: '' */ AS found_3,
            /* field_3: */ /* by_number: */ if(3 <= column_count, column_3 = 'revenue' AND text_3 != '', match(raw_3, '^[-0-9]')) /* else: false */ /* else: false */ AS is_number_3
        FROM read
    ),
    asked_of AS
    (
        SELECT
            *,
            /* test_1: */ /* field_2: */ if(tupleElement(tupleElement(r, 'tests')[1], 'field') = 1, found_1, identity(if(tupleElement(tupleElement(r, 'tests')[1], 'field') = 2, found_2, found_3))) /* else: found_1 */ /* else: '' */ AS looked_1,
            /* test_1: */ /* field_2: */ if(tupleElement(tupleElement(r, 'tests')[1], 'field') = 1, is_number_1, identity(if(tupleElement(tupleElement(r, 'tests')[1], 'field') = 2, is_number_2, is_number_3))) /* else: is_number_1 */ /* else: false */ AS is_number_looked_1,
            /* test_2: */ /* field_2: */ if(tupleElement(tupleElement(r, 'tests')[2], 'field') = 1, found_1, identity(if(tupleElement(tupleElement(r, 'tests')[2], 'field') = 2, found_2, found_3))) /* else: found_1 */ /* else: '' */ AS looked_2,
            /* test_2: */ /* field_2: */ if(tupleElement(tupleElement(r, 'tests')[2], 'field') = 1, is_number_1, identity(if(tupleElement(tupleElement(r, 'tests')[2], 'field') = 2, is_number_2, is_number_3))) /* else: is_number_1 */ /* else: false */ AS is_number_looked_2,
            /* test_3: */ /* field_2: */ if(tupleElement(tupleElement(r, 'tests')[3], 'field') = 1, found_1, identity(if(tupleElement(tupleElement(r, 'tests')[3], 'field') = 2, found_2, found_3))) /* else: found_1 */ /* else: '' */ AS looked_3,
            /* test_3: */ /* field_2: */ if(tupleElement(tupleElement(r, 'tests')[3], 'field') = 1, is_number_1, identity(if(tupleElement(tupleElement(r, 'tests')[3], 'field') = 2, is_number_2, is_number_3))) /* else: is_number_1 */ /* else: false */ AS is_number_looked_3,
            /* test_4: */ /* field_2: */ if(tupleElement(tupleElement(r, 'tests')[4], 'field') = 1, found_1, identity(if(tupleElement(tupleElement(r, 'tests')[4], 'field') = 2, found_2, found_3))) /* else: found_1 */ /* else: '' */ AS looked_4,
            /* test_4: */ /* field_2: */ if(tupleElement(tupleElement(r, 'tests')[4], 'field') = 1, is_number_1, identity(if(tupleElement(tupleElement(r, 'tests')[4], 'field') = 2, is_number_2, is_number_3))) /* else: is_number_1 */ /* else: false */ AS is_number_looked_4
        FROM looked
    ),
    judged AS
    (
        SELECT
            *,
            tupleElement(r, 'tests')[1] AS test_1,
            /* test_1: */ if(1 > test_count, true, identity(
                /* equals: */ if(tupleElement(test_1, 'operator') IN ('=', '!='), (tupleElement(test_1, 'operator') = '=') = /* by_number: */ if(
                    empty(tupleElement(test_1, 'numbers')), has(tupleElement(test_1, 'operands'), looked_1),
                    has(tupleElement(test_1, 'operands'), looked_1) OR (is_number_looked_1 AND has(tupleElement(test_1, 'numbers'), toFloat64OrZero(looked_1)))
                ) /* else: has(tupleElement(test_1, 'operands'), looked_1) */, identity( /* else: (( */
                /* contains: */ if(tupleElement(test_1, 'operator') = 'contains', arrayExists(operand -> position(looked_1, operand) > 0, tupleElement(test_1, 'operands')), identity( /* else: (( */
                /* given: */ if(tupleElement(test_1, 'operator') = 'set', looked_1 != '', identity(if(tupleElement(test_1, 'operator') = 'unset', looked_1 = '', identity( /* else: (((( */
                /* compares: */ if(
                    toFloat64OrNull(tupleElement(test_1, 'operands')[1]) IS NULL,
                    looked_1 != '' AND if(tupleElement(test_1, 'operator') = '<', looked_1 < tupleElement(test_1, 'operands')[1], identity(if(tupleElement(test_1, 'operator') = '<=', looked_1 <= tupleElement(test_1, 'operands')[1], identity(if(tupleElement(test_1, 'operator') = '>', looked_1 > tupleElement(test_1, 'operands')[1], looked_1 >= tupleElement(test_1, 'operands')[1]))))),
                    ifNull(if(tupleElement(test_1, 'operator') = '<', toFloat64OrNull(looked_1) < toFloat64OrNull(tupleElement(test_1, 'operands')[1]), identity(if(tupleElement(test_1, 'operator') = '<=', toFloat64OrNull(looked_1) <= toFloat64OrNull(tupleElement(test_1, 'operands')[1]), identity(if(tupleElement(test_1, 'operator') = '>', toFloat64OrNull(looked_1) > toFloat64OrNull(tupleElement(test_1, 'operands')[1]), toFloat64OrNull(looked_1) >= toFloat64OrNull(tupleElement(test_1, 'operands')[1])))))), false)
                ) /* else: false */
                )))) )) ))
            )) /* else: true */ AS passes_1,
            tupleElement(r, 'tests')[2] AS test_2,
            /* test_2: */ if(2 > test_count, true, identity(
                /* equals: */ if(tupleElement(test_2, 'operator') IN ('=', '!='), (tupleElement(test_2, 'operator') = '=') = /* by_number: */ if(
                    empty(tupleElement(test_2, 'numbers')), has(tupleElement(test_2, 'operands'), looked_2),
                    has(tupleElement(test_2, 'operands'), looked_2) OR (is_number_looked_2 AND has(tupleElement(test_2, 'numbers'), toFloat64OrZero(looked_2)))
                ) /* else: has(tupleElement(test_2, 'operands'), looked_2) */, identity( /* else: (( */
                /* contains: */ if(tupleElement(test_2, 'operator') = 'contains', arrayExists(operand -> position(looked_2, operand) > 0, tupleElement(test_2, 'operands')), identity( /* else: (( */
                /* given: */ if(tupleElement(test_2, 'operator') = 'set', looked_2 != '', identity(if(tupleElement(test_2, 'operator') = 'unset', looked_2 = '', identity( /* else: (((( */
                /* compares: */ if(
                    toFloat64OrNull(tupleElement(test_2, 'operands')[1]) IS NULL,
                    looked_2 != '' AND if(tupleElement(test_2, 'operator') = '<', looked_2 < tupleElement(test_2, 'operands')[1], identity(if(tupleElement(test_2, 'operator') = '<=', looked_2 <= tupleElement(test_2, 'operands')[1], identity(if(tupleElement(test_2, 'operator') = '>', looked_2 > tupleElement(test_2, 'operands')[1], looked_2 >= tupleElement(test_2, 'operands')[1]))))),
                    ifNull(if(tupleElement(test_2, 'operator') = '<', toFloat64OrNull(looked_2) < toFloat64OrNull(tupleElement(test_2, 'operands')[1]), identity(if(tupleElement(test_2, 'operator') = '<=', toFloat64OrNull(looked_2) <= toFloat64OrNull(tupleElement(test_2, 'operands')[1]), identity(if(tupleElement(test_2, 'operator') = '>', toFloat64OrNull(looked_2) > toFloat64OrNull(tupleElement(test_2, 'operands')[1]), toFloat64OrNull(looked_2) >= toFloat64OrNull(tupleElement(test_2, 'operands')[1])))))), false)
                ) /* else: false */
                )))) )) ))
            )) /* else: true */ AS passes_2,
            tupleElement(r, 'tests')[3] AS test_3,
            /* test_3: */ if(3 > test_count, true, identity(
                /* equals: */ if(tupleElement(test_3, 'operator') IN ('=', '!='), (tupleElement(test_3, 'operator') = '=') = /* by_number: */ if(
                    empty(tupleElement(test_3, 'numbers')), has(tupleElement(test_3, 'operands'), looked_3),
                    has(tupleElement(test_3, 'operands'), looked_3) OR (is_number_looked_3 AND has(tupleElement(test_3, 'numbers'), toFloat64OrZero(looked_3)))
                ) /* else: has(tupleElement(test_3, 'operands'), looked_3) */, identity( /* else: (( */
                /* contains: */ if(tupleElement(test_3, 'operator') = 'contains', arrayExists(operand -> position(looked_3, operand) > 0, tupleElement(test_3, 'operands')), identity( /* else: (( */
                /* given: */ if(tupleElement(test_3, 'operator') = 'set', looked_3 != '', identity(if(tupleElement(test_3, 'operator') = 'unset', looked_3 = '', identity( /* else: (((( */
                /* compares: */ if(
                    toFloat64OrNull(tupleElement(test_3, 'operands')[1]) IS NULL,
                    looked_3 != '' AND if(tupleElement(test_3, 'operator') = '<', looked_3 < tupleElement(test_3, 'operands')[1], identity(if(tupleElement(test_3, 'operator') = '<=', looked_3 <= tupleElement(test_3, 'operands')[1], identity(if(tupleElement(test_3, 'operator') = '>', looked_3 > tupleElement(test_3, 'operands')[1], looked_3 >= tupleElement(test_3, 'operands')[1]))))),
                    ifNull(if(tupleElement(test_3, 'operator') = '<', toFloat64OrNull(looked_3) < toFloat64OrNull(tupleElement(test_3, 'operands')[1]), identity(if(tupleElement(test_3, 'operator') = '<=', toFloat64OrNull(looked_3) <= toFloat64OrNull(tupleElement(test_3, 'operands')[1]), identity(if(tupleElement(test_3, 'operator') = '>', toFloat64OrNull(looked_3) > toFloat64OrNull(tupleElement(test_3, 'operands')[1]), toFloat64OrNull(looked_3) >= toFloat64OrNull(tupleElement(test_3, 'operands')[1])))))), false)
                ) /* else: false */
                )))) )) ))
            )) /* else: true */ AS passes_3,
            tupleElement(r, 'tests')[4] AS test_4,
            /* test_4: */ if(4 > test_count, true, identity(
                /* equals: */ if(tupleElement(test_4, 'operator') IN ('=', '!='), (tupleElement(test_4, 'operator') = '=') = /* by_number: */ if(
                    empty(tupleElement(test_4, 'numbers')), has(tupleElement(test_4, 'operands'), looked_4),
                    has(tupleElement(test_4, 'operands'), looked_4) OR (is_number_looked_4 AND has(tupleElement(test_4, 'numbers'), toFloat64OrZero(looked_4)))
                ) /* else: has(tupleElement(test_4, 'operands'), looked_4) */, identity( /* else: (( */
                /* contains: */ if(tupleElement(test_4, 'operator') = 'contains', arrayExists(operand -> position(looked_4, operand) > 0, tupleElement(test_4, 'operands')), identity( /* else: (( */
                /* given: */ if(tupleElement(test_4, 'operator') = 'set', looked_4 != '', identity(if(tupleElement(test_4, 'operator') = 'unset', looked_4 = '', identity( /* else: (((( */
                /* compares: */ if(
                    toFloat64OrNull(tupleElement(test_4, 'operands')[1]) IS NULL,
                    looked_4 != '' AND if(tupleElement(test_4, 'operator') = '<', looked_4 < tupleElement(test_4, 'operands')[1], identity(if(tupleElement(test_4, 'operator') = '<=', looked_4 <= tupleElement(test_4, 'operands')[1], identity(if(tupleElement(test_4, 'operator') = '>', looked_4 > tupleElement(test_4, 'operands')[1], looked_4 >= tupleElement(test_4, 'operands')[1]))))),
                    ifNull(if(tupleElement(test_4, 'operator') = '<', toFloat64OrNull(looked_4) < toFloat64OrNull(tupleElement(test_4, 'operands')[1]), identity(if(tupleElement(test_4, 'operator') = '<=', toFloat64OrNull(looked_4) <= toFloat64OrNull(tupleElement(test_4, 'operands')[1]), identity(if(tupleElement(test_4, 'operator') = '>', toFloat64OrNull(looked_4) > toFloat64OrNull(tupleElement(test_4, 'operands')[1]), toFloat64OrNull(looked_4) >= toFloat64OrNull(tupleElement(test_4, 'operands')[1])))))), false)
                ) /* else: false */
                )))) )) ))
            )) /* else: true */ AS passes_4
        FROM asked_of
    ),
    met_by AS
    (
        SELECT
            *,
            bitAnd(
                transform(name, plan.5, plan.2, toUInt16(0)) /* few: */ + plan.6 /* else: */ + bitShiftLeft(toUInt16(1), length(tupleElement(r, 'asked')) - 1),
                bitAnd(bitAnd(if(passes_1, toUInt16(65535), plan.3[1]), if(passes_2, toUInt16(65535), plan.3[2])), bitAnd(if(passes_3, toUInt16(65535), plan.3[3]), if(passes_4, toUInt16(65535), plan.3[4])))
            ) AS met
        FROM judged
    ),
    flagged AS
    (
        SELECT
            project,
            person_id,
            occurred_at,
            id_order,
            if(breakdown_field = 0, '', identity(if(breakdown_field = 1, found_1, identity(if(breakdown_field = 2, found_2, found_3))))) AS value,
            if(
                bitTest(met, least(length(tupleElement(r, 'asked')), 16) - 1),
                /* few: */ if(
                    is_few AND is_wide,
                    toUInt64(bitAnd(met, bitShiftLeft(toUInt16(1), least(length(tupleElement(r, 'asked')), 16) - 1) - 1)) + if(tupleElement(r, 'strict'), bitShiftLeft(toUInt64(1), 62), 0),
                    toUInt64( /* else: ( */
                toUInt16(bitAnd(met, bitShiftLeft(toUInt16(1), step_count) - 1) + if(has_exclusions, 64 * transform(toUInt16(bitAnd(bitShiftRight(met, step_count), bitShiftLeft(toUInt16(1), length(tupleElement(r, 'barred'))) - 1)), plan.4, plan.1, toUInt16(0)), 0))
                /* few: */ )) /* else: ) */,
                toUInt16(0)
            ) AS flags
        FROM met_by
    ),
    -- A touchpoint is one number until its walk is in order: its time (from long before 1970), its id, its flags.
    gathered AS
    (
        SELECT
            of_project,
            person_id,
            arraySort(groupArray(touch)) AS touches,
            if(breakdown_field = 0, '', identity(if(tupleElement(r, 'breakdown_by') = 'first_touch', argMinIf(value, touch, bitAnd(flags, 63) != 0 AND value != ''), argMaxIf(value, touch, bitAnd(flags, 63) != 0 AND value != '')))) AS breakdown_value
        FROM
        (
            SELECT
                project,
                person_id,
                value,
                flags,
                bitShiftLeft(toUInt256(toUnixTimestamp64Milli(occurred_at) + 4611686018427387904), 192) + bitShiftLeft(toUInt256(id_order), 64) + flags AS touch
            FROM flagged
            WHERE /* few: */ is_few OR /* else: */ flags != 0
        )
        GROUP BY
            -- A key of text takes three times as long as the number alone: one project that is named needs none.
            if({project:Nullable(String)} IS NULL, toString(project), '') AS of_project,
            person_id
    )
SELECT
    ifNull({project:Nullable(String)}, of_project) AS project,
    person_id,
    arrayMap(touch -> toInt64(toUInt64(bitShiftRight(touch, 192)) - 4611686018427387904), touches) AS all_at,
    /* few: */ arrayMap(touch -> toUInt64(touch), touches) /* else: arrayMap(touch -> toUInt16(touch), touches) */ AS all_flags,
    if(tells_ids, arrayMap(touch -> toUInt128(bitShiftRight(touch, 64)), touches), []) AS all_ids,
    breakdown_value
FROM gathered
