-- Whether the moves of the network are kept (`journey_moves`) as they are now. `transitions` reads by it.
-- Grain: one row.
-- walks_hash: of the walks that the journey index holds: the sum of a hash of each of its rows, by its version. kept_run: the keeping that has all moves of these walks, while they are
--   everybody's: nothing waits for the index, and nobody was moved since it was written (`walks_checked`); 0 = there is none.
CREATE OR REPLACE VIEW moves_checked AS
WITH
    -- A keeping is whole when it has as many rows as it says.
    (
        SELECT (groupArray(run), groupArray(hash))
        FROM
        (
            SELECT
                run,
                any(walks_hash) AS hash
            FROM parcours.journey_moves
            GROUP BY run
            HAVING countIf(node = '') = 1 AND sumIf(passages, node = '') = countIf(node != '')
        )
    ) AS whole
SELECT
    sum(walk_hash) AS walks_hash,
    if(
        (SELECT count() FROM parcours.journey_index_changes) = 0 AND (SELECT all_are_told_apart FROM parcours.walks_checked),
        arrayFirst((run, hash) -> hash = walks_hash, whole.1, whole.2),
        toUInt64(0)
    ) AS kept_run
FROM
(
    SELECT cityHash64(project, identifier, version) AS walk_hash
    FROM parcours.journey_index FINAL
    WHERE is_alone
    UNION ALL
    SELECT cityHash64(project, person_id, version, 'walk') AS walk_hash
    FROM parcours.journey_walks FINAL
    WHERE members_hash != 0
)
