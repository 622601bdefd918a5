SELECT
    project,
    person_id,
    entered_at,
    reached,
    seconds_from_previous
FROM funnel_people(
    steps = {steps:Array(String)},
    window_seconds = {window_seconds:UInt64},
    project = {project:Nullable(String)},
    channel = {channel:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
)
ORDER BY
    project,
    entered_at,
    person_id
