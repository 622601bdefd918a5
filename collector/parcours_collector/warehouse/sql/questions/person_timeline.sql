SELECT
    person_id,
    occurred_at,
    id,
    name,
    channel,
    source,
    stage,
    session_no,
    journey_no,
    toBool(is_conversion) AS is_conversion,
    ids,
    context,
    properties,
    revenue,
    currency
FROM person_timeline(
    kind = {kind:String},
    value = {value:String},
    project = {project:Nullable(String)}
)
ORDER BY
    person_id,
    occurred_at,
    toUInt128(id)
