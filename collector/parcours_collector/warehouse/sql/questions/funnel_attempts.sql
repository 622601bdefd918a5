SELECT
    project,
    person_id,
    subject,
    breakdown_value,
    period_at,
    toBool(is_complete) AS is_complete,
    entered_at,
    reached,
    step_times,
    seconds_from_previous,
    touchpoint_ids
FROM funnel_attempts(
    steps = {steps:String},
    rules = {rules:Nullable(String)},
    project = {project:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
)
ORDER BY
    project,
    person_id,
    subject,
    breakdown_value,
    entered_at
LIMIT {limit:UInt64}
