-- Touchpoint → the identifier whose person it is of, for those of whom that is not the least of their identifiers. Stitching reloads it.
CREATE OR REPLACE DICTIONARY owner_of
(
    touchpoint UInt64,
    identifier UInt64
)
PRIMARY KEY touchpoint
SOURCE(CLICKHOUSE(
    /* credentials */
    QUERY 'SELECT cityHash64(project, id) AS touchpoint, identifier FROM parcours.touchpoint_owners FINAL WHERE identifier != 0'
    INVALIDATE_QUERY 'SELECT max(version) FROM parcours.touchpoint_owners'
))
LAYOUT(HASHED())
LIFETIME(MIN 20 MAX 40)
