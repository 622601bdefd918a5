-- What everybody did, as far as rules that are already read look at it: what `funnel_folded` goes over.
-- Grain: one row for what is counted (a person, a journey, a session, a value). Keys: project, person, counted.
-- walk: its touchpoints in order. at (milliseconds since 1970, cut to the resolution); id_order; met: of each step, each exclusion and the condition on everything whether it is met; is_foreign: no step, where ties go any way round;
--   held, value: what the rules hold constant and break down by.
-- Parameters: those of `funnel_walked`.
-- Not counted: anybody, under rules that `funnel_asked` says is_stepped of.
CREATE OR REPLACE VIEW funnel_walks_told AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)} AS r,
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
    )
SELECT
    project,
    person,
    counted,
    if(tupleElement(r, 'resolution_ms') = 1, kept, arrayMap(
        touch -> CAST((touch.at - positiveModulo(touch.at, tupleElement(r, 'resolution_ms')), touch.id_order, touch.met, touch.is_foreign, touch.is_kept, touch.held, touch.value, touch.family, touch.is_end), 'Tuple(at Int64, id_order UInt128, met Array(Bool), is_foreign Bool, is_kept Bool, held Array(String), value String, family String, is_end Bool)'),
        kept
    )) AS walk
FROM
(
    SELECT
        project,
        person,
        part.1 AS counted,
        if(tupleElement(r, 'needs_history'), arrayFilter(touch -> touch.is_kept, part.2), part.2) AS kept
    FROM parts
)
