-- The attempts at a funnel: who tried, how far they came, and when; `funnel_by_rules` counts them.
-- Grain: one row an attempt that counts: of each subject and breakdown value the furthest (of equals the first that ended; of several held values, the first that began), or with count_attempts all, or
--   with an interval the furthest of each period of entry. Keys: project, person_id, subject, breakdown_value, entered_at, touchpoint_ids.
-- subject: '' for people, the number of the session or journey, or the value of the property that is counted; person_id is then 0 for a property's value.
-- reached: the furthest step, 1 to the number of steps. In any order, the number of steps done. step_times: when each step up to it was reached, in any order one after the
--   other; NULL = an optional step that was left out. seconds_from_previous: from the step done before. touchpoint_ids: the touchpoints that were these steps.
-- period_at: with an interval, the start of the period of entry in the timezone, as an instant; is_complete: the period's last entrants have had their whole window.
-- The rule, touchpoint by touchpoint in the order of time: first, attempts older than the window end; then those that the touchpoint excludes or, in strict order,
--   passes by; then each attempt whose next step it is goes on, to the place of one that waits there; last it may begin an attempt, unless it has just excluded
--   one. One touchpoint is one step of an attempt at most. A complete attempt is over.
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
    r = (SELECT r FROM (/* the query of funnel_asked */)),
    project = {project:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
)
UNION ALL
SELECT
    project,
    person_id,
    '' AS subject,
    breakdown_value,
    NULL AS period_at,
    NULL AS is_complete,
    fromUnixTimestamp64Milli(times_taken[1], 'UTC') AS entered_at,
    reached,
    arrayMap(at_ms -> fromUnixTimestamp64Milli(at_ms, 'UTC'), times_taken) AS step_times,
    arrayMap(pause_ms -> greatest(pause_ms, 0) / 1000, arrayDifference(times_taken)) AS seconds_from_previous,
    arrayMap(id -> reinterpretAsUUID(bitOr(bitShiftLeft(id, 64), bitShiftRight(id, 64))), ids_taken) AS touchpoint_ids
FROM parcours.funnel_stepped(
    r = (SELECT r FROM (/* the query of funnel_asked */)),
    needs_ids = true,
    project = {project:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
)
