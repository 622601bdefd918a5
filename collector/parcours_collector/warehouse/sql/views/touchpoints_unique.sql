-- Every touchpoint once, with its person: the base of every other view.
-- Grain: one row a touchpoint (project, id); of several receipts, the earliest.
-- person_id: the person as of the last stitching; an identifier not stitched yet is a person of its own; 0 = no identifier names anybody.
-- owner: the identifier whose person it is of: the least of its identifiers, unless one of them joins nobody or they are of several people
--   (touchpoint_owners).
-- In place of `hot columns` stand those that `parcours columns` has made.
CREATE OR REPLACE VIEW touchpoints_unique AS
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
    /* hot columns */
    identifier,
    -- Where nobody's touchpoints are another's, nothing is looked up: the subquery is a constant, and `if` leaves its other branch out.
    /* owned: */ if((SELECT count() FROM (SELECT 1 FROM dictionary('parcours.owner_of') LIMIT 1)) = 0, identifier, dictGetOrDefault('parcours.owner_of', 'identifier', cityHash64(project, id), identifier)) /* else: dictGetOrDefault('parcours.owner_of', 'identifier', cityHash64(project, id), identifier) */ AS owner,
    dictGetOrDefault('parcours.person_of', 'person_id', owner, owner) AS person_id,
    toUInt128(id) AS id_order
FROM parcours.touchpoints FINAL
