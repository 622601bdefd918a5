-- What the journey index is in at the moment. While `state` stays, nothing of the index and nobody's person has changed. One row.
-- changes: that wait for it. state: a hash of its parts, by their files, and of the load of the dictionary of people. moves: that of the parts of the moves that are kept of it. may_be_remembered: that load is older than the whole seconds
--   that tell it from another, so that no later one can be taken for it.
SELECT
    sum(waiting) AS changes,
    hex(sipHash128(arraySort(groupArrayIf(what, what != '' AND NOT is_of_moves)))) AS state,
    hex(sipHash128(arraySort(groupArrayIf(what, is_of_moves)))) AS moves,
    max(is_loaded) AND NOT max(is_fresh) AS may_be_remembered
FROM
(
    SELECT
        if(table = 'journey_index_changes', rows, 0) AS waiting,
        if(table = 'journey_index_changes', '', concat(path, ' ', hash_of_all_files)) AS what,
        table = 'journey_moves' AS is_of_moves,
        false AS is_loaded,
        false AS is_fresh
    FROM system.parts
    WHERE database = 'parcours'
      AND table IN ('journey_index', 'journey_walks', 'journey_moves', 'journey_index_changes')
      AND active
    UNION ALL
    SELECT
        0,
        toString((loading_start_time, loading_duration, last_successful_update_time, element_count)),
        false,
        status IN ('LOADED', 'LOADED_AND_RELOADING') AND last_successful_update_time > 0,
        last_successful_update_time > now() - 3
    FROM system.dictionaries
    WHERE database = 'parcours'
      AND name = 'person_of'
)
