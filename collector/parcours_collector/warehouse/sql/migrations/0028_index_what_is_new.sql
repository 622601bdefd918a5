-- A run of stitching asks for what is new alone: rows of its own version, edges stored since the last one. The least and the greatest of every few
-- thousand rows tell where to look.
ALTER TABLE identity_persons ADD INDEX IF NOT EXISTS of_version version TYPE minmax GRANULARITY 1;
ALTER TABLE identity_edges ADD INDEX IF NOT EXISTS of_stored_at stored_at TYPE minmax GRANULARITY 1;
ALTER TABLE identity_persons MATERIALIZE INDEX of_version;
ALTER TABLE identity_edges MATERIALIZE INDEX of_stored_at;
