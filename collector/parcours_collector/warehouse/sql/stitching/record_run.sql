-- Write a finished run into the log of runs.
INSERT INTO stitching_runs (run, mode, watermark, finished_at, edges, passes, moved)
SELECT
    {run:UInt64},
    {mode:String},
    {watermark:DateTime64(3, 'UTC')},
    now64(3, 'UTC'),
    {edges:UInt64},
    {passes:UInt16},
    {moved:UInt64}
