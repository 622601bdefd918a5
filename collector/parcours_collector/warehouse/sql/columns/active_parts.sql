-- Parts of touchpoints that queries read. Grain: one row.
SELECT count()
FROM system.parts
WHERE database = 'parcours' AND table = 'touchpoints' AND active
