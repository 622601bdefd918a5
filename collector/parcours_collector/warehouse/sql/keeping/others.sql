-- Which keepings of moves there are but this one. Grain: one row a partition.
SELECT DISTINCT partition_id
FROM system.parts
WHERE database = currentDatabase()
  AND table = 'journey_moves'
  AND active
  AND partition != toString({run:UInt64})
