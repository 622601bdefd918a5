-- The rules that a funnel goes by: those of a preset, and what was declared otherwise.
-- Grain: one row. `funnel_asked` reads it; whoever wonders what a preset means looks here.
-- Parameters: steps, a JSON list in order: names, or objects with name or names (any of them; none = any touchpoint), where, optional (true), within_seconds (longest time from the step
--   before) and first_ever (true: only the first such touchpoint of the person's life). rules, a JSON object, may be left out:
-- preset: 'parcours' (default), 'posthog', 'mixpanel', 'amplitude', 'strict'. Each key that follows replaces the preset's.
-- step_order: 'ordered' (others may lie between), 'strict' (none may), 'any' (each step in any order). may_go_back (strict): what is a step already done does not end an attempt.
-- needs_first_step (any): nobody counts who did not do the first step.
-- attempts: 'best' (every occurrence of the first step begins one; it takes the place of one that still waits there), 'first' (while one lasts no other begins).
-- count_attempts: every attempt counts, not one a subject. count_by: 'person', 'journey', 'session', 'properties.NAME' or 'context.NAME'.
-- window_seconds: longest time from the first step to the last, inclusive. hold: fields that are the same at all steps of an attempt; what lacks one is no step.
--   Exclusions, and in strict order what lies between, act whatever they hold, unless they carry another value of a property or context that is held: they are of another cart.
-- ties: touchpoints of the same instant go 'arrival' (in the order of their ids) or 'any' way round; then a step may also lie up to grace_seconds before the one it follows.
-- resolution_seconds: times are cut to it, and within one stand in their true order; of touchpoints of one time that are the same steps one counts.
-- exclusions: a list of objects as steps are, with from_step and to_step (from 1; by default first and last): what ends an attempt between these two.
-- exclusion_ends: 'attempt' (it counts up to there) or 'person' (whose best attempt it is, counts nowhere; except in strict order it goes one step further all the same, and is the
--   best if nobody of theirs comes as far without).
-- where: what every touchpoint fulfils: a list of conditions [field, operator, value, …]: = and != (any of the values), contains, <, <=, >, >= (one value), set, unset (none).
--   = and != compare texts, and what was sent as a number by its value. Fields: name, channel,
--   source, place, currency, revenue, properties.NAME, context.NAME (or NAME.NAME in its place).
-- breakdown: a field; breakdown_by: 'first_touch', 'last_touch' (of the touchpoints that are steps and have a value), 'each_value' (a funnel of the touchpoints of each value), 'step' (a
--   funnel for each value at breakdown_step, of all touchpoints that are it), 'attempt' (the value that breakdown_step has in the attempt).
-- fields: every field that the rules look at.
-- interval: 'hour', 'day', 'week' (from Monday), 'sunday_week' (from Sunday), 'month' of entry, in timezone ('UTC').
CREATE OR REPLACE VIEW funnel_rules AS
WITH
    if(ifNull({rules:Nullable(String)}, '') = '', '{}', assumeNotNull({rules:Nullable(String)})) AS told_rules,
    JSONExtract(told_rules, 'Tuple(preset Nullable(String), step_order Nullable(String), may_go_back Nullable(Bool), needs_first_step Nullable(Bool), attempts Nullable(String), count_attempts Nullable(Bool), count_by Nullable(String), window_seconds Nullable(Float64), hold Array(String), ties Nullable(String), grace_seconds Nullable(Float64), resolution_seconds Nullable(Float64), exclusion_ends Nullable(String), where Array(Array(String)), breakdown Nullable(String), breakdown_by Nullable(String), breakdown_step Nullable(UInt16), interval Nullable(String), timezone Nullable(String))') AS given,
    ifNull(given.preset, 'parcours') AS preset_is,
    JSONExtractArrayRaw({steps:String}) AS raw_steps,
    arrayMap(
        raw -> if(JSONType(raw) = 'String', CAST((JSONExtractString(raw), [], [], false, NULL, false), 'Tuple(name String, names Array(String), where Array(Array(String)), optional Bool, within_seconds Nullable(Float64), first_ever Bool)'), JSONExtract(raw, 'Tuple(name String, names Array(String), where Array(Array(String)), optional Bool, within_seconds Nullable(Float64), first_ever Bool)')),
        raw_steps
    ) AS told_steps,
    arrayConcat(where, arrayFold((all, step) -> arrayConcat(all, step.where), steps, CAST([], 'Array(Array(String))')), arrayFold((all, one) -> arrayConcat(all, one.where), exclusions, CAST([], 'Array(Array(String))'))) AS conditions,
    arrayFilter(one -> one != '', arrayDistinct(arrayConcat(arrayMap(one -> one[1], conditions), hold, [breakdown], if(position(count_by, '.') > 0, [count_by], [])))) AS fields,
    JSONExtract(told_rules, 'exclusions', 'Array(Tuple(name String, names Array(String), where Array(Array(String)), from_step UInt16, to_step UInt16))') AS told_exclusions,
    -- Every key that was told: whose it is, its name, and its value in JSON. Tables of one row, as an alias is analysed again wherever it stands.
    told AS
    (
        SELECT arrayFilter(one -> one.3 != 'null', arrayConcat(
            arrayMap(one -> ('a funnel has no rule', one.1, one.2), JSONExtractKeysAndValuesRaw(told_rules)),
            arrayFlatten(arrayMap(raw -> arrayMap(one -> ('a step has no', one.1, one.2), JSONExtractKeysAndValuesRaw(raw)), raw_steps)),
            arrayFlatten(arrayMap(raw -> arrayMap(one -> ('an exclusion has no', one.1, one.2), JSONExtractKeysAndValuesRaw(raw)), JSONExtractArrayRaw(told_rules, 'exclusions')))
        )) AS keys
        FROM system.one
    ),
    -- What a key is: whether it is a list, how its value or each of a list looks in JSON, and how that is called. Other keys are texts.
    matched AS
    (
        SELECT
            keys,
            [
                (['name'], false, '^".+"$', 'a name in double quotes'),
                (['names'], true, '^".+"$', 'a list of names in double quotes'),
                (['hold'], true, '^"', 'a list of fields, as ["channel"]'),
                (['where'], true, '^\\[', 'a list of conditions, as [["channel", "=", "web"]]'),
                (['exclusions'], true, '^\\{', 'a list of objects, as [{"name": "ticket_opened"}]'),
                (['may_go_back', 'needs_first_step', 'count_attempts', 'optional', 'first_ever'], false, '^[tf]', 'true or false'),
                (['window_seconds', 'grace_seconds', 'resolution_seconds', 'within_seconds'], false, '^[-0-9]', 'a number, not in quotes'),
                (['breakdown_step', 'from_step', 'to_step'], false, '^[1-9][0-9]{0,3}$', 'a step, from 1'),
                ([], false, '^"', 'a text in double quotes')
            ] AS kinds,
            arrayMap(key -> arrayFirst(kind -> has(kind.1, key.2) OR empty(kind.1), kinds), keys) AS kinds_told,
            arrayMap(key -> multiIf(
                key.1 = 'a step has no', ['name', 'names', 'where', 'optional', 'within_seconds', 'first_ever'],
                key.1 = 'an exclusion has no', ['name', 'names', 'where', 'from_step', 'to_step'],
                ['preset', 'step_order', 'may_go_back', 'needs_first_step', 'attempts', 'count_attempts', 'count_by', 'window_seconds', 'hold', 'ties', 'grace_seconds', 'resolution_seconds', 'exclusions', 'exclusion_ends', 'where', 'breakdown', 'breakdown_by', 'breakdown_step', 'interval', 'timezone']
            ), keys) AS known
        FROM told
    ),
    (
        SELECT multiIf(
            unknown.2 != '', concat(unknown.1, ' ', unknown.2, '; near: ', arrayStringConcat(arraySlice(arraySort(key -> (NOT startsWith(key, unknown.2), editDistance(key, unknown.2)), known_there), 1, 3), ', ')),
            mistaken.1.2 != '', concat(mistaken.1.2, ' is ', mistaken.2.4),
            arrayExists(condition -> arrayExists(raw -> NOT match(raw, '^["0-9tf-]'), JSONExtractArrayRaw(condition)), asked), 'the values of a condition are texts, numbers, true or false, one after the other',
            ''
        )
        FROM
        (
            SELECT
                arrayFirst((key, others) -> NOT has(others, key.2), keys, known) AS unknown,
                arrayFirst((others, key) -> NOT has(others, key.2), known, keys) AS known_there,
                arrayFirst(one -> startsWith(one.1.3, '[') != one.2.2 OR arrayExists(raw -> NOT match(raw, one.2.3), if(one.2.2, JSONExtractArrayRaw(one.1.3), [one.1.3])), arrayZip(keys, kinds_told)) AS mistaken,
                arrayFlatten(arrayMap(key -> if(key.2 = 'where', JSONExtractArrayRaw(key.3), []), keys)) AS asked
            FROM matched
        )
    ) AS fault
SELECT
    preset_is AS preset,
    ifNull(given.step_order, if(preset_is = 'strict', 'strict', 'ordered')) AS step_order,
    ifNull(given.may_go_back, false) AS may_go_back,
    ifNull(given.needs_first_step, preset_is = 'amplitude') AS needs_first_step,
    ifNull(given.attempts, if(preset_is = 'mixpanel', 'first', 'best')) AS attempts,
    ifNull(given.count_attempts, false) AS count_attempts,
    ifNull(given.count_by, 'person') AS count_by,
    ifNull(given.window_seconds, multiIf(preset_is = 'posthog', 14, preset_is = 'mixpanel', 7, 30) * 86400.) AS window_seconds,
    given.hold AS hold,
    ifNull(given.ties, if(preset_is IN ('posthog', 'mixpanel', 'amplitude'), 'any', 'arrival')) AS ties,
    ifNull(given.grace_seconds, if(preset_is = 'mixpanel', 2., 0.)) AS grace_seconds,
    ifNull(given.resolution_seconds, if(preset_is = 'amplitude', 1., 0.)) AS resolution_seconds,
    arrayMap(step -> CAST((if(step.name = '', step.names, arrayPushFront(step.names, step.name)), step.where, step.optional, step.within_seconds, step.first_ever), 'Tuple(names Array(String), where Array(Array(String)), optional Bool, within_seconds Nullable(Float64), first_ever Bool)'), told_steps) AS steps,
    arrayMap(step -> if(empty(step.names), 'any', arrayStringConcat(step.names, ' | ')), steps) AS step_names,
    arrayMap(one -> CAST((if(one.name = '', one.names, arrayPushFront(one.names, one.name)), one.where, greatest(one.from_step, 1), if(one.to_step = 0, length(steps), one.to_step)), 'Tuple(names Array(String), where Array(Array(String)), from_step UInt16, to_step UInt16)'), told_exclusions) AS exclusions,
    ifNull(given.exclusion_ends, if(preset_is = 'posthog', 'person', 'attempt')) AS exclusion_ends,
    given.where AS where,
    ifNull(given.breakdown, '') AS breakdown,
    ifNull(given.breakdown_by, if(preset_is IN ('mixpanel', 'parcours', 'strict'), 'attempt', 'first_touch')) AS breakdown_by,
    ifNull(given.breakdown_step, 1) AS breakdown_step,
    ifNull(given.interval, '') AS interval,
    ifNull(given.timezone, 'UTC') AS timezone,
    fields
FROM system.one
WHERE throwIf(NOT isValidJSON({steps:String}) OR empty(raw_steps) OR arrayExists(raw -> NOT match(raw, '^(\\{|".+"$)'), raw_steps), 'steps is a JSON list of at least one step: a name in double quotes, or an object with name, names, where, optional, within_seconds or first_ever') = 0
  AND throwIf(tupleElement(steps[1], 'optional'), 'the first step is not optional') = 0
  AND throwIf(NOT isValidJSON(told_rules) OR JSONType(told_rules) != 'Object', 'rules is a JSON object, as {"preset": "posthog", "window_seconds": 3600}') = 0
  AND throwIf(fault != '', fault) = 0
  AND throwIf(preset NOT IN ('parcours', 'posthog', 'mixpanel', 'amplitude', 'strict'), 'preset is parcours, posthog, mixpanel, amplitude or strict') = 0
  AND throwIf(step_order NOT IN ('ordered', 'strict', 'any'), 'step_order is ordered, strict or any') = 0
  AND throwIf(attempts NOT IN ('best', 'first'), 'attempts is best or first') = 0
  AND throwIf(ties NOT IN ('arrival', 'any'), 'ties is arrival or any') = 0
  AND throwIf(exclusion_ends NOT IN ('attempt', 'person'), 'exclusion_ends is attempt or person') = 0
  AND throwIf(breakdown_by NOT IN ('first_touch', 'last_touch', 'each_value', 'step', 'attempt'), 'breakdown_by is first_touch, last_touch, each_value, step or attempt') = 0
  AND throwIf(breakdown_step = 0 OR breakdown_step > length(steps), 'breakdown_step is a step, from 1') = 0
  AND throwIf(interval NOT IN ('', 'hour', 'day', 'week', 'sunday_week', 'month'), 'interval is hour, day, week, sunday_week or month') = 0
  AND throwIf(NOT match(count_by, '^(person|session|journey|(properties|context)(\\.[^.]+){1,2})$'), 'count_by is person, session, journey, properties.NAME or context.NAME, or NAME.NAME in its place') = 0
  AND throwIf(window_seconds < 0 OR grace_seconds < 0 OR resolution_seconds < 0 OR arrayExists(step -> ifNull(step.within_seconds, 0) < 0, steps), 'no number of seconds is below 0') = 0
  AND throwIf(arrayExists(one -> one.from_step >= one.to_step OR one.to_step > length(steps), exclusions), 'an exclusion has from_step below to_step, both steps from 1') = 0
  AND throwIf(arrayExists(one -> one[2] NOT IN ('=', '!=', '<', '<=', '>', '>=', 'contains', 'set', 'unset'), conditions), 'a condition is [field, operator, value, …]; operators are =, !=, <, <=, >, >=, contains, set and unset') = 0
  AND throwIf(arrayExists(one -> multiIf(one[2] IN ('set', 'unset'), length(one) != 2, one[2] IN ('=', '!=', 'contains'), length(one) < 3, length(one) != 3), conditions), 'a condition by =, != or contains has one or more values, by <, <=, > or >= one, by set or unset none') = 0
  AND throwIf(arrayExists(one -> NOT match(one, '^(name|channel|source|place|currency|revenue|(properties|context)(\\.[^.]+){1,2})$'), fields), 'a field is name, channel, source, place, currency, revenue, properties.NAME or context.NAME, or NAME.NAME in its place') = 0
