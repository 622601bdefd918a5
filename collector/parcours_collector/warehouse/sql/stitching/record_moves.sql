-- Keep what a run has said of identifiers, beside what is said now.
INSERT INTO identity_moves (project, identifier, run, person_id)
SELECT
    project,
    identifier,
    version,
    person_id
FROM identity_persons
WHERE version = {run:UInt64}
