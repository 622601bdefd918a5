SELECT r
FROM
(
    /* the query of funnel_asked */
)
