-- Identifier → person, for those whose person is not themselves. Stitching reloads it at its end; replicas notice a new run by themselves.
-- Rows of version 0 are left out before rows are merged: they say that an identifier is a person by itself, and any other row is later.
-- Many small tables instead of a large one are filled in half the time: what is written stays near.
CREATE OR REPLACE DICTIONARY person_of
(
    identifier UInt64,
    person_id  UInt64
)
PRIMARY KEY identifier
SOURCE(CLICKHOUSE(
    /* credentials */
    QUERY 'SELECT identifier, person_id FROM parcours.identity_persons FINAL PREWHERE version > 0 WHERE person_id != identifier'
    INVALIDATE_QUERY 'SELECT max(run) FROM parcours.stitching_runs'
))
LAYOUT(HASHED(SHARDS 16))
LIFETIME(MIN 20 MAX 40)
