-- Properties that have a column of their own in touchpoints (`parcours columns`). One row a property; the latest counts. A column is made from this
-- table, before the views that show it, at every migration: what a crash left half done is then finished.
CREATE TABLE IF NOT EXISTS hot_columns
(
    touchpoint String,
    property   String,
    kind       LowCardinality(String) COMMENT 'text, word, integer, number, amount, boolean or time',
    is_wanted  Bool COMMENT 'false once it was removed',
    updated_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (touchpoint, property);
