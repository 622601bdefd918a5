-- The working rows of runs that died: nothing was written to them for a day.
SELECT toUInt64(partition) AS work
FROM system.parts
WHERE active
  AND database = currentDatabase()
  AND table IN ('stitching_edges', 'stitching_labels')
GROUP BY work
HAVING max(modification_time) < now() - INTERVAL 1 DAY
