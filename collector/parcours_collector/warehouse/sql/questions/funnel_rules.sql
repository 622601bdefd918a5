SELECT
    window_seconds,
    breakdown,
    interval,
    timezone,
    arrayFlatten(exclusions.names)
FROM funnel_rules(
    steps = {steps:String},
    rules = {rules:Nullable(String)}
)
