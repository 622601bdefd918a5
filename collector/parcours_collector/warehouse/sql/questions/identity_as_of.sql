SELECT
    project,
    identifier,
    person_id,
    run
FROM identity_as_of(
    at = {at:DateTime64(6, 'UTC')},
    project = {project:Nullable(String)}
)
ORDER BY
    project,
    person_id,
    identifier
LIMIT {limit:UInt64}
