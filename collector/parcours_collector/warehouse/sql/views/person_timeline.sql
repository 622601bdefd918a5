-- Everything one person did, whatever the identifier one knows them by.
-- Grain: one row a touchpoint of the person, oldest first. Keys: id.
-- Parameters: kind and value of any identifier of the person (kind 'email_sha256' with the hashed value for an e-mail);
--   project: NULL = any project that knows this identifier.
-- session_no and journey_no are those of touchpoints_resolved.
CREATE OR REPLACE VIEW person_timeline AS
WITH
    known AS
    (
        SELECT DISTINCT dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier) AS person_id
        FROM parcours.identity_persons
        WHERE kind = {kind:String}
          AND value = {value:String}
          AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
    )
SELECT
    project,
    person_id,
    occurred_at,
    id,
    name,
    channel,
    source,
    stage,
    need,
    valence,
    session_no,
    journey_no,
    is_conversion,
    ids,
    context,
    properties,
    enrichment,
    revenue,
    currency
FROM parcours.touchpoints_resolved
WHERE person_id IN (SELECT person_id FROM known)
ORDER BY
    project,
    person_id,
    occurred_at,
    toUInt128(id)
