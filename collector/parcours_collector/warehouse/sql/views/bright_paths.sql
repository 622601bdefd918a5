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
    ifNull({min_length:Nullable(UInt8)}, 1) AS min_nodes,
    ifNull({max_length:Nullable(UInt8)}, 3) AS max_nodes,
    -- A path is a number itself, of so many bits a node, where there is room beside it for the number of a journey: with three nodes up to 4,095 labels, with four 511.
    (
        SELECT (labels, is_known AND max_nodes <= 4 AND node_bits * max_nodes <= 36, toUInt8(greatest(ceil(log2(length(labels) + 1)), 1)) AS node_bits)
        FROM
        (
            /* the query of nodes_known */
        )
    ) AS known,
    known.2 AS is_numbered,
    known.3 AS bits_a_node,
    toUInt8(64 - bits_a_node * least(max_nodes, 4)) AS bits_a_journey,
    -- At each node of a journey the path of so many nodes that ends there, 0 where it would have begun before the journey. The node of a conversion is in no path.
    numbered AS
    (
        SELECT
            person_id,
            arrayPushFront(arrayPopBack(arrayMap(how -> how > 0, ends)), true) AS begins,
            arrayCumSum(begins) AS journeys_so_far,
            arrayMap(one -> toUInt64(one), nodes) AS paths_1,
            if(max_nodes < 2, [], arrayMap((before, one, is_first) -> if(is_first OR one = 0 OR before = 0, 0, bitOr(bitShiftLeft(before, bits_a_node), one)), arrayShiftRight(paths_1, 1, toUInt64(0)), paths_1, begins)) AS paths_2,
            if(max_nodes < 3, [], arrayMap((before, one, is_first) -> if(is_first OR one = 0 OR before = 0, 0, bitOr(bitShiftLeft(before, bits_a_node), one)), arrayShiftRight(paths_2, 1, toUInt64(0)), paths_1, begins)) AS paths_3,
            if(max_nodes < 4, [], arrayMap((before, one, is_first) -> if(is_first OR one = 0 OR before = 0, 0, bitOr(bitShiftLeft(before, bits_a_node), one)), arrayShiftRight(paths_3, 1, toUInt64(0)), paths_1, begins)) AS paths_4,
            -- Which path, in which journey, whether that converted, in one number: in order, what a journey took again lies beside itself, and so does what a person did. The
            -- path of no node, 0, is taken by every journey, and so lies first.
            arrayMap((journey, how) -> toUInt64(2 * journey + (how = 1)), journeys_so_far, ends_at_last) AS of_journeys,
            arrayCompact(arraySort(arrayFilter(one -> one > 0, arrayConcat(
                if(min_nodes > 1, [], arrayMap((path, of_journey) -> if(path = 0, toUInt64(0), bitOr(bitShiftLeft(path, bits_a_journey), of_journey)), paths_1, of_journeys)),
                if(min_nodes > 2 OR max_nodes < 2, [], arrayMap((path, of_journey) -> if(path = 0, toUInt64(0), bitOr(bitShiftLeft(path, bits_a_journey), of_journey)), paths_2, of_journeys)),
                if(min_nodes > 3 OR max_nodes < 3, [], arrayMap((path, of_journey) -> if(path = 0, toUInt64(0), bitOr(bitShiftLeft(path, bits_a_journey), of_journey)), paths_3, of_journeys)),
                if(max_nodes < 4, [], arrayMap((path, of_journey) -> if(path = 0, toUInt64(0), bitOr(bitShiftLeft(path, bits_a_journey), of_journey)), paths_4, of_journeys)),
                arrayMap((of_journey, how) -> if(how > 0, of_journey, toUInt64(0)), of_journeys, ends)
            )))) AS in_order,
            -- Then which path, whether it is the person's first time, whether the journey converted.
            arrayMap(
                (one, before) -> bitShiftLeft(bitShiftRight(one, bits_a_journey), 2) + 2 * (bitShiftRight(one, bits_a_journey) != bitShiftRight(before, bits_a_journey)) + bitAnd(one, 1),
                in_order, arrayShiftRight(in_order, 1, bitShiftLeft(toUInt64(1), bits_a_journey))
            ) AS all_taken
        FROM
        (
            /* the rows of journeys_numbered with without_conversion = true */
        )
        WHERE is_numbered
    ),
    -- The path of no node is taken by every journey: it is the base.
    taken AS
    (
        /* words */
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
                range(min_nodes, max_nodes + 1),
                CAST([], 'Array(Array(String))')
            )),
            CAST([], 'Array(String)')
        ) AS path
        WHERE NOT is_numbered
          AND outcome IN ('converted', 'lost')
        GROUP BY path
        UNION ALL
        /* numbers */
        SELECT
            arrayMap(place -> known.1[place], arrayFilter(place -> place > 0, arrayMap(before -> bitAnd(bitShiftRight(path_taken, before * bits_a_node), bitShiftLeft(toUInt64(1), bits_a_node) - 1), [3, 2, 1, 0]))) AS path,
            sum(times) AS journeys,
            sumIf(times, bitTest(taken_so, 1)) AS people,
            sumIf(times, bitTest(taken_so, 0)) AS converted
        FROM
        (
            SELECT
                taken_so,
                count() AS times
            FROM numbered
            ARRAY JOIN all_taken AS taken_so
            GROUP BY taken_so
        )
        GROUP BY bitShiftRight(taken_so, 2) AS path_taken
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
  AND throwIf(min_nodes < 1 OR max_nodes < min_nodes, 'min_length is at least 1 and at most max_length') = 0
ORDER BY
    low DESC,
    journeys DESC,
    path
