SELECT all_are_told_apart
FROM
(
    /* the query of walks_checked */
)
