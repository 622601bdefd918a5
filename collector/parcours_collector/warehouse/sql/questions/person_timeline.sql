-- As `person_timeline(kind, value, project)`, by its text: what is a view is analysed once more.
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
FROM
(
    /* the query of person_timeline */
)
ORDER BY
    person_id,
    occurred_at,
    toUInt128(id)
