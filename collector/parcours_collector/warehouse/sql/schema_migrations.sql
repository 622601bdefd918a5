-- Which migrations were applied, with the checksum of each file.
CREATE TABLE IF NOT EXISTS schema_migrations
(
    name       String,
    sha256     String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY name
