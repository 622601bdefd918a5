-- Parts of the kept moves that are of other walks. Grain: one row a partition.
SELECT DISTINCT partition_id
FROM system.parts
WHERE database = currentDatabase()
  AND table = 'journey_moves'
  AND active
  AND partition != toString({walks_hash:UInt64})
