-- Parts of the tables that hold people which were replaced and are still on the disk, and the texts of erasures that are.
-- Not counted: mutations that turn the marks of the journey index, which name nobody.
SELECT
    (SELECT count() FROM system.parts WHERE database = 'parcours' AND table IN ('touchpoints', 'dead_letters', 'identity_edges', 'identity_persons', 'identity_cuts', 'identity_moves', 'journey_index', 'journey_walks') AND NOT active)
    + (SELECT count() FROM system.mutations WHERE database = 'parcours' AND table IN ('touchpoints', 'dead_letters', 'identity_edges', 'identity_persons', 'identity_cuts', 'identity_moves', 'journey_index', 'journey_walks') AND command NOT LIKE '%UPDATE is_alone%' AND command NOT LIKE '%DELETE WHERE 0%' AND command NOT LIKE '%DELETE WHERE false%')
