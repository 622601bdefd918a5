-- Whether the journey index is what people and their identifiers are now. `walks_indexed` reads by it.
-- Grain: one row.
-- all_are_gathered: the walks of people of several identifiers are those of all of them, as they are; then the lists need not be compared. all_are_told_apart: and every row of the
--   index is marked as what it is; then whoever is one identifier is known by the mark.
-- By sums: as members_hash is one, that of whole people is one over their identifiers, and nothing is grouped. One query: its parts are read side by side.
-- Not counted: changes that wait (`journey_index_changes`).
CREATE OR REPLACE VIEW walks_checked AS
SELECT
    sum(people_hash) = 0 AS all_are_gathered,
    all_are_gathered AND sum(entries) = 0 AND sum(entries_hash) = 0 AS all_are_told_apart
FROM
(
    SELECT
        toInt64(sum(cityHash64(identifier) * cityHash64(person_id))) AS people_hash,
        0 AS entries,
        0 AS entries_hash
    FROM dictionary('parcours.person_of')
    UNION ALL
    SELECT
        -toInt64(sum(members_hash * cityHash64(person_id))),
        toInt64(sum(length(members))),
        toInt64(sum(entries_hash))
    FROM parcours.journey_walks FINAL
    WHERE members_hash != 0
    UNION ALL
    SELECT
        0,
        -toInt64(countIf(entry_hash != 0)),
        -toInt64(sum(entry_hash))
    FROM parcours.journey_index FINAL
)
