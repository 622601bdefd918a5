-- Every person's touchpoints in the order of time, read from the journey index: exactly those of touchpoints_unique, at a fraction of the cost.
-- Grain: one row a person, and then none that is empty. Keys: project, person_id.
-- times (milliseconds since 1970), names and channels go together; touchpoints of the same instant follow in the order of their ids.
-- sample_key: uniform over all of UInt64 and the same for a person in every question; below the n-th part of it lies one in n people. Of whoever is one
--   identifier it is that, by which the index is sorted: a sample reads its part alone. The number of several identifiers is their least, so not uniform.
-- Identifiers that are a person by themselves and have no change waiting pass as they lie, and so do the walks that were gathered for people of
--   several identifiers, as long as these are the same ones; the others are gathered here: their entries but for the ids that changed,
--   and these as touchpoints_unique has them.
-- Not counted: touchpoints of nobody (person_id 0).
CREATE OR REPLACE VIEW walks_indexed AS
WITH
    changed AS
    (
        SELECT
            project,
            identifier,
            id,
            received_at
        FROM parcours.journey_index_changes
    ),
    mended AS
    (
        SELECT
            project,
            dictGetOrDefault('parcours.owner_of', 'identifier', sipHash64(project, id), identifier) AS identifier,
            id
        FROM parcours.touchpoints
        WHERE (project, UUIDv7ToDateTime(id, 'UTC')) IN (SELECT project, UUIDv7ToDateTime(id, 'UTC') FROM changed)
          AND (project, id) IN (SELECT project, id FROM changed)
    ),
    -- Whoever else holds one of these ids: it lost to an earlier receipt, and its own row may be merged away.
    displaced AS
    (
        SELECT
            project,
            identifier
        FROM parcours.journey_index
        ARRAY JOIN ids AS id
        WHERE newest_receipt >= (SELECT min(received_at) FROM changed)
          AND (project, id) IN (SELECT project, id FROM changed)
    ),
    concerned AS
    (
        SELECT identifier FROM changed
        UNION DISTINCT
        SELECT identifier FROM mended
        UNION DISTINCT
        SELECT identifier FROM displaced
    ),
    people AS
    (
        SELECT
            person_id,
            sum(cityHash64(identifier)) AS members_hash
        FROM dictionary('parcours.person_of')
        GROUP BY person_id
    ),
    dirty AS
    (
        SELECT dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier) AS person_id
        FROM concerned
    ),
    to_gather AS
    (
        SELECT person_id
        FROM dirty
        UNION DISTINCT
        SELECT person_id
        FROM people
        WHERE (person_id, members_hash) NOT IN (SELECT person_id, members_hash FROM parcours.journey_walks FINAL)
    )
SELECT
    project,
    identifier AS person_id,
    times,
    names,
    channels,
    identifier AS sample_key
FROM parcours.journey_index FINAL
WHERE notEmpty(times)
  AND identifier NOT IN (SELECT arrayJoin([identifier, person_id]) FROM dictionary('parcours.person_of'))
  AND identifier NOT IN (SELECT identifier FROM concerned)
UNION ALL
SELECT
    project,
    person_id,
    times,
    names,
    channels,
    cityHash64(person_id) AS sample_key
FROM parcours.journey_walks FINAL
WHERE notEmpty(times)
  AND (person_id, members_hash) IN (SELECT person_id, members_hash FROM people)
  AND person_id NOT IN (SELECT person_id FROM dirty)
UNION ALL
SELECT
    project,
    person_id,
    arrayMap(step -> step.1, steps) AS times,
    arrayMap(step -> step.3, steps) AS names,
    arrayMap(step -> step.4, steps) AS channels,
    if(person_id IN (SELECT person_id FROM people), cityHash64(person_id), person_id) AS sample_key
FROM
(
    SELECT
        project,
        dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier) AS person_id,
        arraySort(step -> (step.1, step.2), groupArray((at_ms, id_order, name, channel))) AS steps
    FROM
    (
        SELECT
            project,
            identifier,
            at_ms,
            toUInt128(id) AS id_order,
            name,
            channel
        FROM parcours.journey_index FINAL
        ARRAY JOIN
            times AS at_ms,
            ids AS id,
            names AS name,
            channels AS channel
        WHERE dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier) IN (SELECT person_id FROM to_gather)
          AND (project, id) NOT IN (SELECT project, id FROM changed)
        UNION ALL
        SELECT
            project,
            dictGetOrDefault('parcours.owner_of', 'identifier', sipHash64(project, id), identifier) AS identifier,
            toUnixTimestamp64Milli(occurred_at) AS at_ms,
            toUInt128(id) AS id_order,
            name,
            channel
        FROM parcours.touchpoints FINAL
        WHERE (project, UUIDv7ToDateTime(id, 'UTC')) IN (SELECT project, UUIDv7ToDateTime(id, 'UTC') FROM changed)
          AND (project, id) IN (SELECT project, id FROM changed)
          AND identifier != 0
    )
    GROUP BY
        project,
        person_id
)
