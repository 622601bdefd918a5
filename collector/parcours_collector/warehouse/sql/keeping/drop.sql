-- Forget moves of walks that are no longer so.
ALTER TABLE journey_moves DROP PARTITION ID {partition_id:String}
