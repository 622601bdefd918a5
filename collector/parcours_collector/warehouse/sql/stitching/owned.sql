-- How many touchpoints have had another owner since a run.
SELECT count() FROM touchpoint_owners WHERE version > {after:UInt64}
