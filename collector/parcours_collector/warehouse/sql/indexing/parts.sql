-- What waits to be written into the journey index: names and rows of the parts of its changes, oldest first, and the version that a run may
-- write, greater than any before.
SELECT
    name,
    rows,
    greatest(toUInt64(toUnixTimestamp64Micro(now64(6, 'UTC'))), (SELECT max(version) FROM journey_index) + 1, (SELECT max(version) FROM journey_walks) + 1) AS version
FROM system.parts
WHERE active
  AND database = currentDatabase()
  AND table = 'journey_index_changes'
ORDER BY min_block_number
