-- Paths that convert above the base: what those have in common who convert.
-- Grain: one row a path: nodes that followed each other in a journey, before its conversion. Keys: path.
-- journeys: over (converted or lost), that took the path at least once; people: whose. converted: those that converted in the end.
-- conversion_rate: converted ÷ journeys; low and high: its Wilson interval (Wilson 1927; z standard deviations, 1.96 by default). base_conversion: of all journeys that are over.
-- lift: conversion_rate ÷ base_conversion. is_bright: low lies above the base.
-- Parameters, all of which may be left out: min_length (1) and max_length (3), of paths, in nodes; min_journeys (10), rarer paths are left out; z; node, groups, collapse, project,
--   from_at and to_at as in `node_walks`.
-- Not counted: open journeys, as in `nodes`; the node of the conversion itself, at which every path would convert (it stays where a node is a property).
CREATE OR REPLACE VIEW bright_paths AS
WITH
    ifNull({z:Nullable(Float64)}, 1.96) AS z_wanted,
    -- The path of no node is taken by every journey: it is the base.
    taken AS
    (
        SELECT
            path,
            count() AS journeys,
            uniqExact(project, person_id) AS people,
            countIf(outcome = 'converted') AS converted
        FROM parcours.node_walks(
            within = 'journey',
            with_empty = 1,
            without_conversion = NOT match(ifNull({node:Nullable(String)}, 'name'), '^(properties|context)[.]'),
            node = {node:Nullable(String)},
            groups = {groups:Nullable(String)},
            collapse = {collapse:Nullable(Bool)},
            project = {project:Nullable(String)},
            from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
            to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
        )
        ARRAY JOIN arrayPushFront(
            arrayDistinct(arrayFold(
                (paths, nodes_wanted) -> arrayConcat(paths, arrayMap(place -> arrayMap(one -> toString(one), arraySlice(nodes, place, nodes_wanted)), range(1, length(nodes) + 2 - least(nodes_wanted, length(nodes) + 1)))),
                range(ifNull({min_length:Nullable(UInt8)}, 1), ifNull({max_length:Nullable(UInt8)}, 3) + 1),
                CAST([], 'Array(Array(String))')
            )),
            CAST([], 'Array(String)')
        ) AS path
        WHERE outcome IN ('converted', 'lost')
        GROUP BY path
    )
SELECT
    path,
    journeys,
    people,
    converted,
    conversion_rate,
    if(converted = 0, 0, (conversion_rate + z_wanted * z_wanted / (2 * journeys) - spread) / (1 + z_wanted * z_wanted / journeys)) AS low,
    if(converted = journeys, 1, (conversion_rate + z_wanted * z_wanted / (2 * journeys) + spread) / (1 + z_wanted * z_wanted / journeys)) AS high,
    base_conversion,
    conversion_rate / base_conversion AS lift,
    low > base_conversion AS is_bright
FROM
(
    SELECT
        *,
        converted / journeys AS conversion_rate,
        z_wanted * sqrt(conversion_rate * (1 - conversion_rate) / journeys + z_wanted * z_wanted / (4 * journeys * journeys)) AS spread,
        maxIf(conversion_rate, empty(path)) OVER () AS base_conversion
    FROM taken
)
WHERE notEmpty(path)
  AND journeys >= ifNull({min_journeys:Nullable(UInt64)}, 10)
  AND throwIf(ifNull({min_length:Nullable(UInt8)}, 1) < 1 OR ifNull({max_length:Nullable(UInt8)}, 3) < ifNull({min_length:Nullable(UInt8)}, 1), 'min_length is at least 1 and at most max_length') = 0
ORDER BY
    low DESC,
    journeys DESC,
    path
