-- What a change at one node did: to its own rate, to the whole, and to the nodes that come later, so that a local gain that harms what follows shows.
-- Grain: one row the whole, one the changed node, and one each later node. Keys: role, node.
-- role 'whole': every journey, whether or not it has a node; success is a conversion. 'changed': journeys that came to changed_node; success is going on from it (to a further node) or converting at it, or with
--   next_node coming to that node later. 'later': journeys
--   that came to the node after their first visit of changed_node; success is a conversion.
-- journeys_before, journeys_after: those that began before changed_at, and from it on; rate_before, rate_after: their share of successes, NaN of none. difference: after − before; low and
--   high: its interval by Newcombe's method 10 (Statistics in Medicine 1998; z standard deviations, 1.96 by default). is_clear: the interval does not hold 0.
-- A conversion counts within horizon_seconds of the journey's beginning (30 days by default), and only journeys that had this time count: the young ones after the change are not judged
--   worse, nor better, than the old ones.
-- Parameters: changed_node, changed_at. May be left out: next_node; horizon_seconds; z; min_journeys (1): rows with fewer before or after are left out; node, groups, collapse, project, from_at and
--   to_at as in `node_walks`.
-- Not counted: journeys that have not had their horizon.
CREATE OR REPLACE VIEW knock_on AS
WITH
    ifNull({z:Nullable(Float64)}, 1.96) AS z_wanted,
    ifNull({horizon_seconds:Nullable(Float64)}, 2592000) * 1000 AS horizon_ms,
    judged AS
    (
        SELECT
            began_ms >= toUnixTimestamp64Milli({changed_at:DateTime64(3, 'UTC')}) AS is_after,
            outcome = 'converted' AND ended_ms - began_ms <= horizon_ms AS has_converted,
            indexOf(nodes, toLowCardinality({changed_node:String})) AS place,
            arrayConcat(
                [('whole', '', has_converted)],
                if(place = 0, [], [('changed', {changed_node:String}, if({next_node:Nullable(String)} IS NULL, place < length(nodes) OR outcome = 'converted', has(arraySlice(nodes, place + 1), toLowCardinality(ifNull({next_node:Nullable(String)}, '')))))]),
                if(place = 0, [], arrayMap(one -> ('later', toString(one), has_converted), arrayDistinct(arrayFilter(one -> one != {changed_node:String}, arraySlice(nodes, place + 1)))))
            ) AS told
        FROM parcours.node_walks(
            within = 'journey',
            with_empty = 1,
            node = {node:Nullable(String)},
            groups = {groups:Nullable(String)},
            collapse = {collapse:Nullable(Bool)},
            project = {project:Nullable(String)},
            from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
            to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
        )
        WHERE began_ms + horizon_ms <= toUnixTimestamp64Milli(now64(3, 'UTC'))
    ),
    counted AS
    (
        SELECT
            one.1 AS role,
            one.2 AS node,
            countIf(NOT is_after) AS journeys_before,
            countIf(is_after) AS journeys_after,
            countIf(one.3 AND NOT is_after) / journeys_before AS rate_before,
            countIf(one.3 AND is_after) / journeys_after AS rate_after,
            z_wanted * sqrt(rate_before * (1 - rate_before) / journeys_before + z_wanted * z_wanted / (4 * journeys_before * journeys_before)) AS spread_before,
            z_wanted * sqrt(rate_after * (1 - rate_after) / journeys_after + z_wanted * z_wanted / (4 * journeys_after * journeys_after)) AS spread_after,
            (rate_before + z_wanted * z_wanted / (2 * journeys_before) - spread_before) / (1 + z_wanted * z_wanted / journeys_before) AS low_before,
            (rate_before + z_wanted * z_wanted / (2 * journeys_before) + spread_before) / (1 + z_wanted * z_wanted / journeys_before) AS high_before,
            (rate_after + z_wanted * z_wanted / (2 * journeys_after) - spread_after) / (1 + z_wanted * z_wanted / journeys_after) AS low_after,
            (rate_after + z_wanted * z_wanted / (2 * journeys_after) + spread_after) / (1 + z_wanted * z_wanted / journeys_after) AS high_after
        FROM judged
        ARRAY JOIN told AS one
        GROUP BY
            role,
            node
    )
SELECT
    role,
    node,
    journeys_before,
    journeys_after,
    rate_before,
    rate_after,
    rate_after - rate_before AS difference,
    difference - sqrt(pow(rate_after - low_after, 2) + pow(high_before - rate_before, 2)) AS low,
    difference + sqrt(pow(high_after - rate_after, 2) + pow(rate_before - low_before, 2)) AS high,
    low > 0 OR high < 0 AS is_clear
FROM counted
WHERE role != 'later'
   OR (journeys_before >= ifNull({min_journeys:Nullable(UInt64)}, 1) AND journeys_after >= ifNull({min_journeys:Nullable(UInt64)}, 1))
ORDER BY
    indexOf(['whole', 'changed', 'later'], role),
    journeys_before + journeys_after DESC,
    node
