-- What a run begins from, by the clock and the tables of ClickHouse alone: its number, greater than any before; the instant before which every
-- stored edge is stitched already (1970 before the first run); now; and whether people were moved that no run has recorded: one that died
-- between moving them and letting the views see it; the last recorded run; whether any project
-- has rules or cuts.
-- Versions are looked for among those later than the last run alone: an index passes by what holds none.
WITH
    (SELECT max(run) FROM stitching_runs) AS newest_run,
    greatest(
        (SELECT max(version) FROM identity_persons WHERE version > newest_run),
        (SELECT max(version) FROM touchpoint_owners WHERE version > newest_run)
    ) AS newest_version
SELECT
    greatest(toUInt64(toUnixTimestamp64Micro(now64(6, 'UTC'))), newest_version + 1, newest_run + 1) AS run,
    (SELECT max(watermark) FROM stitching_runs) AS watermark,
    now64(3, 'UTC') AS now,
    newest_version > newest_run AS is_unfinished,
    newest_run,
    (SELECT count() FROM identity_policy) + (SELECT count() FROM identity_cuts) > 0 AS has_rules
