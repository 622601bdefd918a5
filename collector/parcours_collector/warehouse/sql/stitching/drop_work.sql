-- Forget a run's working rows.
ALTER TABLE stitching_labels DROP PARTITION {work:UInt64};
ALTER TABLE stitching_edges DROP PARTITION {work:UInt64};
