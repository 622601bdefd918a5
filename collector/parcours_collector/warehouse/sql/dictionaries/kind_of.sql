-- What a kind of touchpoint means. Views ask for the project's own first, then for that of project ''.
CREATE OR REPLACE DICTIONARY kind_of
(
    project    String,
    name       String,
    stage      String,
    need       String,
    valence    String,
    conversion UInt8
)
PRIMARY KEY project, name
SOURCE(CLICKHOUSE(
    /* credentials */
    QUERY 'SELECT project, name, stage, need, valence, conversion FROM parcours.touchpoint_kinds FINAL'
))
LAYOUT(COMPLEX_KEY_HASHED())
LIFETIME(MIN 5 MAX 10)
