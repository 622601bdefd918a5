SELECT
    breakdown_value,
    period_at,
    toBool(is_complete) AS is_complete,
    step,
    name,
    counted,
    people,
    lost,
    conversion_from_previous,
    conversion_from_start,
    avg_seconds,
    median_seconds
FROM funnel_by_rules(
    steps = {steps:String},
    rules = {rules:Nullable(String)},
    project = {project:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
)
ORDER BY
    period_at,
    breakdown_value,
    step
