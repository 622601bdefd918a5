-- The attempts at a funnel: who tried, how far they came, and when; `funnel_by_rules` counts them.
-- Grain: one row an attempt that counts: of each subject and breakdown value the furthest (of equals the first that ended), or with count_attempts all, or
--   with an interval the furthest of each period of entry. Keys: project, person_id, subject, breakdown_value, entered_at, touchpoint_ids.
-- subject: '' for people, the number of the session or journey, or the value of the property that is counted; person_id is then 0 for a property's value.
-- reached: the furthest step, 1 to the number of steps. In any order, the number of steps done. step_times: when each step up to it was reached, in any order one after the
--   other; NULL = an optional step that was left out. seconds_from_previous: from the step done before. touchpoint_ids: the touchpoints that were these steps.
-- period_at: with an interval, the start of the period of entry in the timezone, as an instant; is_complete: the period's last entrants have had their whole window.
-- The rule, touchpoint by touchpoint in the order of time: first, attempts older than the window end; then those that the touchpoint excludes or, in strict order,
--   passes by; then each attempt whose next step it is goes on, to the place of one that waits there; last it may begin an attempt. One touchpoint is one step of
--   an attempt at most. A complete attempt is over.
-- Parameters: steps and rules as `funnel_rules` explains. May be left out: rules; project; from_at and to_at (touchpoints considered as steps lie in
--   from_at ≤ occurred_at < to_at; what is first_ever, a session or a journey is judged over the whole life).
-- Not counted: touchpoints of nobody (person_id 0), except by the value of a property; what lacks a field that is held or counted by.
CREATE OR REPLACE VIEW funnel_attempts AS
SELECT
    project,
    person_id,
    subject,
    breakdown_value,
    period_at,
    is_complete,
    entered_at,
    reached,
    step_times,
    seconds_from_previous,
    touchpoint_ids
FROM parcours.funnel_walked(
    r = (
        SELECT CAST(
            (
                length(steps),
                arrayEnumerate(steps),
                step_order = 'any', step_order = 'strict', may_go_back, needs_first_step, attempts = 'first',
                count_attempts OR interval != '' OR (breakdown != '' AND breakdown_by = 'attempt'),
                count_attempts,
                if(count_by IN ('person', 'session', 'journey'), count_by, 'value'),
                round(least(window_seconds, 1e12) * 1000),
                ties = 'any', round(grace_seconds * 1000), greatest(round(resolution_seconds * 1000), 1),
                arrayConcat(
                    arrayMap(step -> (step.names, arrayMap(one -> (indexOf(fields, one[1]), one[2], arraySlice(one, 3), arrayFilter(number -> abs(number) < 9007199254740992, arrayMap(operand -> toFloat64OrZero(operand), arrayFilter(operand -> JSONType(operand) IN ('Int64', 'UInt64', 'Double'), arraySlice(one, 3))))), step.where)), steps),
                    arrayMap(one -> (one.names, arrayMap(each -> (indexOf(fields, each[1]), each[2], arraySlice(each, 3), arrayFilter(number -> abs(number) < 9007199254740992, arrayMap(operand -> toFloat64OrZero(operand), arrayFilter(operand -> JSONType(operand) IN ('Int64', 'UInt64', 'Double'), arraySlice(each, 3))))), one.where)), exclusions),
                    [(CAST([], 'Array(String)'), arrayMap(each -> (indexOf(fields, each[1]), each[2], arraySlice(each, 3), arrayFilter(number -> abs(number) < 9007199254740992, arrayMap(operand -> toFloat64OrZero(operand), arrayFilter(operand -> JSONType(operand) IN ('Int64', 'UInt64', 'Double'), arraySlice(each, 3))))), where))]
                ),
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
                arrayMap(one -> splitByChar('.', one), fields),
                arrayMap(one -> indexOf(fields, one), hold), indexOf(fields, count_by),
                indexOf(fields, breakdown), if(breakdown = '', '', breakdown_by), breakdown_step,
                interval, timezone
            ),
            'Tuple(step_count UInt16, places Array(UInt16), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), conditions Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))))), barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), fields Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String)'
        )
        FROM parcours.funnel_rules(steps = {steps:String}, rules = {rules:Nullable(String)})
    ),
    project = {project:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
)
