-- Parts that were replaced and are still on the disk, and the texts of erasures that are.
SELECT
    (SELECT count() FROM system.parts WHERE database = 'parcours' AND NOT active)
    + (SELECT count() FROM system.mutations WHERE database = 'parcours' AND command NOT LIKE '%DELETE WHERE 0%' AND command NOT LIKE '%DELETE WHERE false%')
