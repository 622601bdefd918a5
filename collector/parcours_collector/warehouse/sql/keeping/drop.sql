-- Forget a keeping of moves.
ALTER TABLE journey_moves DROP PARTITION ID {partition_id:String}
