-- What the journey index is in at the moment: how many changes wait for it; which parts and which load of the dictionary, by a hash; and whether
-- this user was shown all of them. While the hash stays, nothing of the index and nobody's person has changed.
SELECT
    (SELECT count() FROM parcours.journey_index_changes) AS changes,
    (
        SELECT groupArray((loading_start_time, loading_duration, last_successful_update_time, element_count))
        FROM system.dictionaries
        WHERE database = 'parcours'
          AND name = 'person_of'
    ) AS loaded,
    hex(sipHash128(serverUUID(), loaded, arraySort(groupArray((table, name, hash_of_all_files))))) AS state,
    length(loaded) = 1 AND sum(rows) = (SELECT count() FROM parcours.journey_index) + (SELECT count() FROM parcours.journey_walks) AS is_shown
FROM system.parts
WHERE database = 'parcours'
  AND table IN ('journey_index', 'journey_walks')
  AND active
