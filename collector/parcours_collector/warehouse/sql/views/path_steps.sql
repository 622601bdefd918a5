-- Who comes how far along paths: of each node at each place, how many walks reach it, go on and end there.
-- Grain: one row a place and node. Keys: position (from 1), node.
-- walks, people: whose path has this node at this place. walks_on, people_on: of these, those with a next node. walks_ended, people_ended: those whose path ends here.
--   walks = walks_on + walks_ended; a person of several walks may be in people_on and in people_ended.
-- Parameters and what is not counted: those of `path_walks`, whose rows are the walks counted here. step_limit ends paths, too.
CREATE OR REPLACE VIEW path_steps AS
SELECT
    place.1 AS position,
    place.2 AS node,
    count() AS walks,
    uniqExact(project, person_id) AS people,
    countIf(position < length(path)) AS walks_on,
    uniqExactIf((project, person_id), position < length(path)) AS people_on,
    countIf(position = length(path)) AS walks_ended,
    uniqExactIf((project, person_id), position = length(path)) AS people_ended
FROM (
    /* the query of path_walks */
)
ARRAY JOIN arrayZip(arrayEnumerate(path), path) AS place
GROUP BY
    position,
    node
ORDER BY
    position,
    walks DESC,
    node
