SELECT
    a_kind,
    a_value,
    b_kind,
    b_value,
    first_seen_at,
    last_seen_at,
    touchpoints,
    sources,
    a_class,
    b_class
FROM identity_evidence(
    kind = {kind:String},
    value = {value:String},
    project = {project:String}
)
ORDER BY
    first_seen_at,
    a,
    b
