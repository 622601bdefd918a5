SELECT
    project,
    keep_days
FROM projects FINAL
WHERE keep_days > 0
ORDER BY project
