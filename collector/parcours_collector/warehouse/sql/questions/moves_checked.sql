SELECT
    walks_hash,
    kept_run
FROM moves_checked
