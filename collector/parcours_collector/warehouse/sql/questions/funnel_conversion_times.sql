SELECT
    from_seconds,
    to_seconds,
    counted
FROM funnel_conversion_times(
    steps = {steps:String},
    rules = {rules:Nullable(String)},
    project = {project:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))},
    from_step = {from_step:Nullable(UInt16)},
    to_step = {to_step:Nullable(UInt16)},
    bins = {bins:Nullable(UInt32)}
)
ORDER BY from_seconds
