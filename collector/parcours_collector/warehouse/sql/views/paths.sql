-- The ways people take, whole: each path with how often it was taken and what came of it.
-- Grain: one row a path. Keys: path.
-- walks, people: who took it. share: of all walks; the shares of all paths add up to 1. median_seconds: from its first node to its last.
-- converted: with within = 'journey', the walks that ended in a conversion; conversion_rate: converted ÷ (walks that are over), NULL when none is over.
-- value: with with_value = 1, the revenue of these walks (in the project's currency), else NULL.
-- Parameters and what is not counted: those of `path_walks`, whose rows are the walks counted here.
CREATE OR REPLACE VIEW paths AS
SELECT
    path,
    count() AS walks,
    uniqExact(project, person_id) AS people,
    walks / sum(walks) OVER () AS share,
    quantileExactInclusive(0.5)(arraySum(seconds_from_previous)) AS median_seconds,
    countIf(outcome = 'converted') AS converted,
    if(countIf(outcome IN ('converted', 'lost')) = 0, NULL, converted / countIf(outcome IN ('converted', 'lost'))) AS conversion_rate,
    sum(revenue) AS value
FROM (
    /* the query of path_walks */
)
GROUP BY path
ORDER BY
    walks DESC,
    path
