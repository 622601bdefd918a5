-- What a run begins from, by the clock and the tables of ClickHouse alone: its number, greater than any before; the instant before which every
-- stored edge is stitched already (1970 before the first run); now; and whether people were moved that no run has recorded: one that died
-- between moving them and letting the views see it; the last recorded run; whether any project
-- has rules or cuts.
WITH
    greatest((SELECT max(version) FROM identity_persons), (SELECT max(version) FROM touchpoint_owners)) AS newest_version,
    (SELECT max(run) FROM stitching_runs) AS newest_run
SELECT
    greatest(toUInt64(toUnixTimestamp64Micro(now64(6, 'UTC'))), newest_version + 1, newest_run + 1) AS run,
    (SELECT max(watermark) FROM stitching_runs) AS watermark,
    now64(3, 'UTC') AS now,
    newest_version > newest_run AS is_unfinished,
    newest_run,
    (SELECT count() FROM identity_policy) + (SELECT count() FROM identity_cuts) > 0 AS has_rules
