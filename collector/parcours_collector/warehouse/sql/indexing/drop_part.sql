-- Forget changes that are in the index now.
ALTER TABLE journey_index_changes DROP PART {part:String}
