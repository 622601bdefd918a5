-- Forget a keeping of moves, by its own number.
ALTER TABLE journey_moves DROP PARTITION {run:UInt64}
