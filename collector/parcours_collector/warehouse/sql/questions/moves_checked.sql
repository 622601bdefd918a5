SELECT
    walks_hash,
    are_kept
FROM moves_checked
