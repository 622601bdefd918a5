SELECT
    step,
    name,
    people,
    people_low,
    people_high,
    conversion_from_start,
    conversion_low,
    conversion_high,
    sampled_people
FROM funnel_sampled(
    steps = {steps:Array(String)},
    window_seconds = {window_seconds:UInt64},
    one_in = {one_in:Nullable(UInt32)},
    z = {z:Nullable(Float64)},
    project = {project:Nullable(String)},
    channel = {channel:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
)
ORDER BY step
