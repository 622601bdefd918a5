-- The nodes of the network: how often each is visited, what becomes of those who are there, and what it does for the whole.
-- Grain: one row a node. Keys: node. The most visited max_nodes (200 by default, at most 300) have a row of their own, all others together one: '(other)'.
-- Counted are journeys that are over (converted or lost). In the absorbing chain of their moves (from where they begin, from node to node, to 'converted' or 'lost'), N = (I − Q)⁻¹
--   holds the visits to expect (Kemeny & Snell, Finite Markov Chains, ch. 3).
-- visits, people: of the node, and of whom. entries: journeys that begin there. converted, lost: journeys that end there. own_rate: share of visits after which the
--   journey goes on or converts. conversion_probability: of who is at the node, N × (share of visits that convert). reach_probability: that a journey ever comes there.
-- removal_effect: the share of all conversions that would be lost if whoever comes there were: reach × conversion probability ÷ base_conversion.
-- conversion_if_mended: what base_conversion would be if nobody were lost there and went on as the others do.
-- base_conversion: converted ÷ journeys; the same on every row. journeys: how many there are, also of those that have no node of that kind.
-- need, valence: with node = 'name', as touchpoint_kinds says of the name; else ''.
-- revenue, converted_revenue: with with_value = 1 what all journeys, and what those that converted, brought (in the project's currency); the same on every row.
-- Parameters, all of which may be left out: max_nodes; node, groups, collapse, with_value, project, from_at and to_at as in `node_walks`.
-- Not counted: open journeys. A journey that began in the last journey_gap is only here when it has converted: to_at a gap ago makes rates that will not fall.
CREATE OR REPLACE VIEW nodes AS
WITH
    -- No text in UTF-8 holds the byte FF: what a property says is never taken for a state of the chain.
    concat(unhex('FF'), 'start') AS start_state,
    concat(unhex('FF'), 'converted') AS converted_state,
    concat(unhex('FF'), 'lost') AS lost_state,
    -- Where numbers can tell the walks they do: a node is a place in a list then, and a move two of them.
    (
        SELECT (labels, is_known AND NOT ifNull({with_value:Nullable(Bool)}, false))
        FROM
        (
            /* the query of nodes_known */
        )
    ) AS known,
    known.2 AS is_numbered,
    -- With no more nodes than have a row, the people of each can be counted; else those of the others have to be told apart.
    is_numbered AND length(known.1) <= ifNull({max_nodes:Nullable(UInt16)}, 200) AS is_counted,
    moves_numbered AS
    (
        SELECT
            toUInt32(bitShiftRight(move, 32)) AS from_place,
            toUInt32(bitAnd(move, 4294967295)) AS to_place,
            count() AS passages,
            countIf(begins) AS begun,
            countIf(time_there = 1) AS people,
            groupArrayIf(person_id, time_there = 1 AND NOT is_counted) AS people_first_there
        FROM
        (
            SELECT
                person_id,
                nodes,
                arrayMap((place, next, how) -> bitOr(bitShiftLeft(toUInt64(place), 32), multiIf(how = 0, next, how = 1, 4294967295, 4294967294)), nodes, arrayShiftLeft(nodes, 1, toUInt32(0)), ends) AS moves_made,
                arrayPushFront(arrayPopBack(arrayMap(how -> how > 0, ends)), true) AS all_begin
            FROM
            (
                /* the rows of journeys_numbered with without_conversion = NULL */
            )
            WHERE is_numbered
        )
        ARRAY JOIN
            moves_made AS move,
            all_begin AS begins,
            arrayEnumerateUniq(nodes) AS time_there
        GROUP BY move
    ),
    -- A person's moves where words tell them: from where they were to where they came.
    people AS
    (
        SELECT
            cityHash64(project, person_id) AS person,
            arrayFlatten(groupArray(arrayPushFront(arrayMap(one -> toString(one), nodes), start_state))) AS all_from,
            arrayFlatten(groupArray(arrayPushBack(arrayMap(one -> toString(one), nodes), if(outcome = 'converted', converted_state, lost_state)))) AS all_to,
            sum(ifNull(revenue, 0)) AS brought,
            sumIf(ifNull(revenue, 0), outcome = 'converted') AS brought_converted
        FROM parcours.node_walks(
            within = 'journey',
            with_empty = 1,
            node = {node:Nullable(String)},
            groups = {groups:Nullable(String)},
            collapse = {collapse:Nullable(Bool)},
            with_value = {with_value:Nullable(Bool)},
            project = {project:Nullable(String)},
            from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
            to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
        )
        WHERE NOT is_numbered
          AND outcome IN ('converted', 'lost')
        GROUP BY
            project,
            person_id
    ),
    moves AS
    (
        /* words */
        SELECT
            from_name,
            to_name,
            count() AS passages,
            countIf(time_there = 1) AS people,
            groupArrayIf(person, time_there = 1) AS people_first_there,
            sumIf(brought, from_name = start_state AND time_there = 1) AS brought_there,
            sumIf(brought_converted, from_name = start_state AND time_there = 1) AS brought_converted_there
        FROM people
        ARRAY JOIN
            all_from AS from_name,
            all_to AS to_name,
            arrayEnumerateUniq(all_from) AS time_there
        GROUP BY
            from_name,
            to_name
        UNION ALL
        /* numbers */
        -- Of each move itself, and of the journeys that began with it, one from the start.
        SELECT
            told.1 AS from_name,
            told.2 AS to_name,
            told.3 AS passages,
            told.4 AS people,
            told.5 AS people_first_there,
            0 AS brought_there,
            0 AS brought_converted_there
        FROM
        (
            SELECT
                known.1[from_place] AS node,
                multiIf(to_place = 4294967295, converted_state, to_place = 4294967294, lost_state, known.1[to_place]) AS next,
                arrayJoin([(node, next, passages, people, people_first_there), (start_state, node, begun, toUInt64(0), CAST([], 'Array(UInt64)'))]) AS told
            FROM moves_numbered
        )
        WHERE passages > 0
    ),
    gathered AS
    (
        SELECT
            groupArray((from_name, to_name, passages, people_first_there, people)) AS all_moves,
            sumMap([from_name], [passages]) AS totals,
            sum(brought_there) AS revenue,
            sum(brought_converted_there) AS converted_revenue,
            sumIf(passages, from_name = start_state) AS journeys,
            sumIf(passages, to_name = converted_state) AS all_converted
        FROM moves
    ),
    kept AS
    (
        SELECT
            *,
            arraySlice(
                arraySort((name, visits) -> (-toInt64(visits), name), arrayFilter(name -> name != start_state, totals.1), arrayFilter((visits, name) -> name != start_state, totals.2, totals.1)),
                1, ifNull({max_nodes:Nullable(UInt16)}, 200)
            ) AS kept_names
        FROM gathered
        WHERE throwIf(ifNull({max_nodes:Nullable(UInt16)}, 200) NOT BETWEEN 1 AND 300, 'max_nodes is 1 to 300: what is less visited counts as (other)') = 0
    ),
    -- Nodes as numbers: 1 to length(kept_names), the next one for all others; 0 is the start; of targets −1 is conversion and −2 loss.
    numbered AS
    (
        SELECT
            any(kept_names) AS names_kept,
            any(revenue) AS all_revenue,
            any(converted_revenue) AS all_converted_revenue,
            any(journeys) AS all_journeys,
            any(all_converted) AS conversions,
            multiIf(move.1 = start_state, 0, has(kept_names, move.1), toInt32(indexOf(kept_names, move.1)), toInt32(length(kept_names) + 1)) AS from_no,
            sumMap(
                [multiIf(move.2 = converted_state, -1, move.2 = lost_state, -2, has(kept_names, move.2), toInt32(indexOf(kept_names, move.2)), toInt32(length(kept_names) + 1))],
                [move.3]
            ) AS targets,
            sum(move.3) AS visits,
            if(is_counted, sum(move.5), uniqExactArray(move.4)) AS people
        FROM kept
        ARRAY JOIN all_moves AS move
        GROUP BY from_no
    ),
    -- One row: for every node its targets, in the order of the numbers.
    chain AS
    (
        SELECT
            any(names_kept) AS kept_names,
            any(all_revenue) AS revenue,
            any(all_converted_revenue) AS converted_revenue,
            any(all_journeys) AS journeys,
            any(conversions) / journeys AS base_conversion,
            arraySort(row -> row.1, groupArrayIf((from_no, visits, people, targets.1, targets.2), from_no > 0)) AS rows,
            anyIf(targets, from_no = 0) AS begun,
            arrayEnumerate(rows) AS places
        FROM numbered
        HAVING journeys > 0
    ),
    -- Gauss and Jordan's inversion in place; I − Q has a dominant diagonal, so no pivot is sought (Golub & Van Loan, Matrix Computations, 4.1).
    solved AS
    (
        SELECT
            *,
            arrayFold(
                (matrix, k) -> arrayMap(
                    (line, i) -> if(
                        i = k,
                        arrayMap((x, j) -> if(j = k, 1 / line[k], x / line[k]), line, arrayEnumerate(line)),
                        arrayMap((x, y, j) -> if(j = k, -x / matrix[k][k], x - line[k] * y / matrix[k][k]), line, matrix[k], arrayEnumerate(line))
                    ),
                    matrix, arrayEnumerate(matrix)
                ),
                places,
                arrayMap((row, i) -> arrayMap(j -> toFloat64(i = j) - row.5[indexOf(row.4, toInt32(j))] / row.2, places), rows, places)
            ) AS visits_to_expect
        FROM chain
    )
SELECT
    if(place > length(kept_names), '(other)', kept_names[place]) AS node,
    row.2 AS visits,
    row.3 AS people,
    begun.2[indexOf(begun.1, toInt32(place))] AS entries,
    row.5[indexOf(row.4, toInt32(-1))] AS converted,
    row.5[indexOf(row.4, toInt32(-2))] AS lost,
    1 - lost / visits AS own_rate,
    arraySum((expected, one) -> expected * one.5[indexOf(one.4, toInt32(-1))] / one.2, line, rows) AS conversion_probability,
    visits / journeys / line[place] AS reach_probability,
    if(base_conversion = 0, 0, reach_probability * conversion_probability / base_conversion) AS removal_effect,
    base_conversion + if(conversion_probability = 0, 0, reach_probability * (conversion_probability / (1 - lost / visits * line[place]) - conversion_probability)) AS conversion_if_mended,
    base_conversion,
    journeys,
    if(ifNull({node:Nullable(String)}, 'name') = 'name', toString(dictGet('parcours.kind_of', 'need', if(dictHas('parcours.kind_of', (ifNull({project:Nullable(String)}, ''), node)), (ifNull({project:Nullable(String)}, ''), node), ('', node)))), '') AS need,
    if(ifNull({node:Nullable(String)}, 'name') = 'name', toString(dictGet('parcours.kind_of', 'valence', if(dictHas('parcours.kind_of', (ifNull({project:Nullable(String)}, ''), node)), (ifNull({project:Nullable(String)}, ''), node), ('', node)))), '') AS valence,
    if(ifNull({with_value:Nullable(Bool)}, false), revenue, NULL) AS revenue,
    if(ifNull({with_value:Nullable(Bool)}, false), converted_revenue, NULL) AS converted_revenue
FROM solved
ARRAY JOIN
    rows AS row,
    visits_to_expect AS line,
    places AS place
ORDER BY
    visits DESC,
    node
