SELECT
    week,
    step,
    name,
    people,
    conversion_from_previous,
    conversion_from_start,
    toBool(is_complete) AS is_complete
FROM funnel_weekly(
    steps = {steps:Array(String)},
    window_seconds = {window_seconds:UInt64},
    project = {project:Nullable(String)},
    channel = {channel:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
)
ORDER BY
    week,
    step
