-- Touchpoints that are not of their least identifier's person: those that carry an identifier that joins nobody, or identifiers of several people.
-- One row a touchpoint once merged (read it FINAL); the dictionary `owner_of` holds those that have an owner.
CREATE TABLE IF NOT EXISTS touchpoint_owners
(
    project    LowCardinality(String),
    id         UUID,
    identifier UInt64 COMMENT 'whose person the touchpoint is of; 0 = of its least identifier again',
    version    UInt64 COMMENT 'the stitching run that said so'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project, id);

ALTER TABLE identity_policy ADD COLUMN IF NOT EXISTS window_seconds UInt32 DEFAULT 0 COMMENT 'for how long after a strong identifier was seen with a shared one the touchpoints of that are its person\'s; 0 = while the session lasts' AFTER max_strong;
