-- What a run begins from: what `touchpoints` holds, every copy counted; the version that it may write, greater than any before; and the last
-- stitching that moved people.
SELECT
    (SELECT count() FROM touchpoints) AS touchpoints,
    greatest(toUInt64(toUnixTimestamp64Micro(now64(6, 'UTC'))), (SELECT max(version) FROM journey_index) + 1, (SELECT max(version) FROM journey_walks) + 1) AS version,
    (SELECT max(run) FROM stitching_runs WHERE moved > 0) AS moved_by
