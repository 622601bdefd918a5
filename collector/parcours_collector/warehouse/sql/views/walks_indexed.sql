-- Every person's touchpoints in the order of time, read from the journey index: exactly those of touchpoints_unique, at a fraction of the cost.
-- Grain: one row a person, and then none that is empty. Keys: project, person_id.
-- times (milliseconds since 1970), names and channels go together; touchpoints of the same instant follow in the order of their ids.
-- name_numbers, channel_numbers: toUInt32(sipHash64(…)) of each word, cheaper to compare than the words; `journey_nodes` tells whether two of a project share one.
-- sample_key: uniform over all of UInt64 and the same for a person in every question; below the n-th part of it lies one in n people. Of whoever is one
--   identifier it is that, by which the index is sorted: a sample reads its part alone. The number of several identifiers is their least, so not uniform.
-- Identifiers that are a person by themselves and have no change waiting pass as they lie, and so do the walks that were gathered for people of
--   several identifiers, as long as these are the same ones; the others are gathered here: their entries but for the ids that changed,
--   and these as touchpoints_unique has them.
-- Not counted: touchpoints of nobody (person_id 0).
CREATE OR REPLACE VIEW walks_indexed AS
/* waiting: */ WITH
    changed AS
    (
        SELECT
            project,
            identifier,
            id,
            received_at
        FROM parcours.journey_index_changes
    ),
    -- While nothing waits, what follows from that is not in the plan.
    (SELECT count() FROM parcours.journey_index_changes) > 0 AS has_changes,
    -- Whose rows may be wrong: of what changed, whose it was stored as and whose it is; and whoever else holds one of these ids: it lost to an earlier
    -- receipt, and its own row may be merged away.
    dirty AS
    (
        SELECT dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier) AS person_id
        FROM
        (
            SELECT arrayJoin([identifier, dictGetOrDefault('parcours.owner_of', 'identifier', cityHash64(project, id), identifier)]) AS identifier
            FROM changed
            UNION ALL
            SELECT identifier
            FROM parcours.journey_index
            ARRAY JOIN ids AS id
            WHERE newest_receipt >= (SELECT min(received_at) FROM changed)
              AND (project, id) IN (SELECT project, id FROM changed)
        )
    ),
    people AS
    (
        SELECT
            person_id,
            sum(cityHash64(identifier)) AS members_hash
        FROM dictionary('parcours.person_of')
        GROUP BY person_id
    ),
    (
        SELECT (all_are_gathered, all_are_told_apart)
        FROM
        (
            /* the query of walks_checked */
        )
    ) AS told,
    told.1 AS all_are_gathered,
    told.2 AS all_are_told_apart,
    -- The identifiers of whoever is dirty, or of several identifiers whose walk nobody has gathered since they are these.
    to_gather AS
    (
        SELECT arrayJoin([identifier, person_id]) AS identifier
        FROM dictionary('parcours.person_of')
        WHERE person_id IN
              (
                  SELECT person_id
                  FROM dirty
                  UNION ALL
                  SELECT person_id
                  FROM people
                  WHERE NOT all_are_gathered
                    AND (person_id, members_hash) NOT IN (SELECT person_id, members_hash FROM parcours.journey_walks FINAL)
              )
        UNION ALL
        SELECT person_id
        FROM dirty
    )
/* else: */ SELECT
    project,
    identifier AS person_id,
    times,
    names,
    channels,
    name_numbers,
    channel_numbers,
    identifier AS sample_key
FROM parcours.journey_index FINAL
WHERE notEmpty(times)
  AND /* waiting: */ if(has_changes, identifier NOT IN (SELECT person_id FROM dirty), true)
  AND if(all_are_told_apart, is_alone, identifier NOT IN (SELECT arrayJoin([identifier, person_id]) FROM dictionary('parcours.person_of'))) /* else: is_alone */
UNION ALL
SELECT
    project,
    person_id,
    times,
    names,
    channels,
    name_numbers,
    channel_numbers,
    cityHash64(person_id) AS sample_key
FROM parcours.journey_walks FINAL
WHERE notEmpty(times)
  AND /* waiting: */ if(all_are_gathered, members_hash != 0, (person_id, members_hash) IN (SELECT person_id, members_hash FROM people))
  AND if(has_changes, person_id NOT IN (SELECT person_id FROM dirty), true) /* else: members_hash != 0 */
UNION ALL
/* waiting */
SELECT
    project,
    person_id,
    arrayMap(step -> step.1, steps) AS times,
    arrayMap(step -> step.3, steps) AS names,
    arrayMap(step -> step.4, steps) AS channels,
    arrayMap(name -> toUInt32(sipHash64(name)), names) AS name_numbers,
    arrayMap(channel -> toUInt32(sipHash64(channel)), channels) AS channel_numbers,
    if(person_id IN (SELECT person_id FROM dictionary('parcours.person_of')), cityHash64(person_id), person_id) AS sample_key
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
        WHERE if(has_changes, (project, id) NOT IN (SELECT project, id FROM changed), true)
        UNION ALL
        SELECT
            project,
            dictGetOrDefault('parcours.owner_of', 'identifier', cityHash64(project, id), identifier) AS identifier,
            toUnixTimestamp64Milli(occurred_at) AS at_ms,
            toUInt128(id) AS id_order,
            name,
            channel
        FROM parcours.touchpoints FINAL
        WHERE has_changes
          AND (project, UUIDv7ToDateTime(id, 'UTC')) IN (SELECT project, UUIDv7ToDateTime(id, 'UTC') FROM changed)
          AND (project, id) IN (SELECT project, id FROM changed)
          AND identifier != 0
    )
    -- An id that was received again for others than those who hold it stays with these: nobody else is dirty by it. Who removes copies notes whose the others are.
    WHERE if(has_changes OR NOT all_are_gathered, identifier IN (SELECT identifier FROM to_gather), false)
    GROUP BY
        project,
        person_id
)
