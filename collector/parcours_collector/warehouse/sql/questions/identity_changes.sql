SELECT
    project,
    person_before,
    person_after,
    change,
    identifiers,
    touchpoints
FROM identity_changes(
    from_at = {from_at:DateTime64(6, 'UTC')},
    to_at = {to_at:DateTime64(6, 'UTC')},
    project = {project:Nullable(String)}
)
ORDER BY
    project,
    touchpoints DESC,
    person_before,
    person_after
LIMIT {limit:UInt64}
