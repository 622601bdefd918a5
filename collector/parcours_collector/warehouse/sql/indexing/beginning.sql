-- What a rebuild begins from: what `touchpoints` holds, every copy counted, and the version that it may write, greater than any before.
SELECT
    (SELECT count() FROM touchpoints) AS touchpoints,
    greatest(toUInt64(toUnixTimestamp64Micro(now64(6, 'UTC'))), (SELECT max(version) FROM journey_index) + 1) AS version
