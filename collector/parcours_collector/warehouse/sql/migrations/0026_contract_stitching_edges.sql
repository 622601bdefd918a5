-- Each pass of stitching works on the edges that the one before has left between what it joined.
ALTER TABLE stitching_edges ADD COLUMN IF NOT EXISTS pass UInt16 DEFAULT 0 COMMENT '0 = between identifiers, or people' AFTER work;
