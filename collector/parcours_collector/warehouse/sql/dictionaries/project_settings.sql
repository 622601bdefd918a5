-- What a project has set about its journeys; the defaults here are for a project that has set nothing.
CREATE OR REPLACE DICTIONARY project_settings
(
    project             String,
    session_gap_seconds UInt32 DEFAULT 1800,
    journey_gap_seconds UInt32 DEFAULT 2592000,
    currency            String DEFAULT 'EUR'
)
PRIMARY KEY project
SOURCE(CLICKHOUSE(
    /* credentials */
    QUERY 'SELECT project, session_gap_seconds, journey_gap_seconds, currency FROM parcours.projects FINAL'
))
LAYOUT(COMPLEX_KEY_HASHED())
LIFETIME(MIN 5 MAX 10)
