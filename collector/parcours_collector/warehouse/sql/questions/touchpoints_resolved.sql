SELECT
    project,
    id,
    name,
    schema_version,
    channel,
    source,
    occurred_at,
    client_occurred_at,
    sent_at,
    received_at,
    ids,
    placeholders,
    context,
    properties,
    consent,
    enrichment,
    revenue,
    currency,
    person_id,
    stage,
    need,
    valence,
    toBool(is_conversion) AS is_conversion,
    channel_family,
    session_no,
    journey_no
FROM touchpoints_resolved
WHERE ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
  AND ({from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL OR occurred_at >= {from_at:Nullable(DateTime64(3, 'UTC'))})
  AND ({to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL OR occurred_at < {to_at:Nullable(DateTime64(3, 'UTC'))})
ORDER BY
    project,
    occurred_at,
    toUInt128(id)
LIMIT {limit:UInt64}
