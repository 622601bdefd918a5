-- What a project may set about its journeys. A project without a row uses the defaults of the dictionary `project_settings`.
CREATE TABLE IF NOT EXISTS projects
(
    project             String,
    session_gap_seconds UInt32 DEFAULT 1800 COMMENT 'a longer silence on one channel family starts a new session',
    journey_gap_seconds UInt32 DEFAULT 2592000 COMMENT 'a longer silence ends a journey',
    currency            String DEFAULT 'EUR' COMMENT 'the currency that journeys.revenue counts',
    updated_at          DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY project;

-- What each kind of touchpoint means: its stage, the need it answers, how it feels, and whether it ends a journey as converted.
-- Rows of project '' are the catalogue's and are written again at every migration; a project's own row goes before them.
CREATE TABLE IF NOT EXISTS touchpoint_kinds
(
    project    String,
    name       String,
    channel    LowCardinality(String),
    stage      LowCardinality(String),
    need       LowCardinality(String),
    valence    LowCardinality(String),
    conversion Bool,
    version    LowCardinality(String),
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (project, name);
