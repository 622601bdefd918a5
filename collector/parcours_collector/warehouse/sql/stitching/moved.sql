-- How many identifiers a run moved to another person.
SELECT count() AS moved
FROM identity_persons
WHERE version = {run:UInt64}
