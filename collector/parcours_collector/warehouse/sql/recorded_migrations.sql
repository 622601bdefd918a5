SELECT
    name,
    any(sha256) AS sha256
FROM schema_migrations
GROUP BY name
