-- Parts of the kept moves that nobody will read: of other walks than these; and of these, where they are not whole. Grain: one row a partition.
SELECT DISTINCT partition_id
FROM system.parts
WHERE database = currentDatabase()
  AND table = 'journey_moves'
  AND active
  AND ((partition = toString({walks_hash:UInt64})) != {are_whole:Bool})
