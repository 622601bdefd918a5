INSERT INTO schema_migrations (name, sha256)
SELECT
    {name:String},
    {sha256:String}
