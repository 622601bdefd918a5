-- Whether the moves of the network are kept (`journey_moves`) as they are now. `transitions` reads by it.
-- Grain: one row.
-- walks_hash: of the walks that the journey index holds: the sum of a hash of each of its rows, by its version. are_kept: the moves of these walks are; and these are
--   everybody's: nothing waits for the index, and nobody was moved since it was written (`walks_checked`).
CREATE OR REPLACE VIEW moves_checked AS
SELECT
    sum(walk_hash) AS walks_hash,
    walks_hash IN (SELECT walks_hash FROM parcours.journey_moves WHERE node = '')
        AND (SELECT count() FROM parcours.journey_index_changes) = 0
        AND (SELECT all_are_told_apart FROM parcours.walks_checked) AS are_kept
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
