-- The instant before which every stored edge is stitched; 1970 before the first run.
SELECT
    max(watermark) AS watermark,
    now64(3, 'UTC') AS now
FROM stitching_runs
