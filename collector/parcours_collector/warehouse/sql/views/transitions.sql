-- The network: how people move from one touchpoint to their next. Loops and self-loops are kept.
-- Grain: one row an ordered pair of nodes that somebody moved between. Keys: from_node, to_node.
-- A move joins two touchpoints that follow each other in one person's time, across sessions and journeys, however long the pause;
--   touchpoints of the same instant follow in the order of their ids.
-- probability: passages of this move ÷ all moves out of from_node; the probabilities of one from_node add up to 1.
-- median_seconds: the pause between the two touchpoints.
-- Sessions, start, end, other nodes and value: `walk_transitions`, which takes longer.
-- Parameters, all of which may be left out: node = 'name' (default), 'channel' or 'name_channel' ('product_viewed · web'); project; from_at and
--   to_at bound both ends of a move (from_at ≤ occurred_at < to_at); max_gap_seconds leaves out moves with a longer pause.
-- Not counted: touchpoints of nobody (person_id 0); the entry into and the exit from the network.
CREATE OR REPLACE VIEW transitions AS
WITH
    ifNull({node:Nullable(String)}, 'name') AS node_is,
    ifNull(toUnixTimestamp64Milli({from_at:Nullable(DateTime64(3, 'UTC'))}), -9223372036854775808) AS from_ms,
    ifNull(toUnixTimestamp64Milli({to_at:Nullable(DateTime64(3, 'UTC'))}), 9223372036854775807) AS to_ms,
    {from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AND {to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AS is_unbounded,
    walks AS
    (
        SELECT
            times AS all_times,
            multiIf(
                node_is = 'name', name_codes,
                node_is = 'channel', channel_codes,
                arrayMap((name, channel) -> sipHash64(name, channel), name_codes, channel_codes)
            ) AS all_nodes
        FROM parcours.walks_indexed
        WHERE throwIf(node_is NOT IN ('name', 'channel', 'name_channel'), 'transitions: node is name, channel or name_channel; walk_transitions knows the other nodes') = 0
          AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
    ),
    bounded AS
    (
        SELECT
            if(is_unbounded, all_times, arrayFilter(at_ms -> at_ms >= from_ms AND at_ms < to_ms, all_times)) AS times,
            if(is_unbounded, all_nodes, arrayFilter((node, at_ms) -> at_ms >= from_ms AND at_ms < to_ms, all_nodes, all_times)) AS nodes
        FROM walks
        WHERE length(all_times) > 1
    ),
    pairs AS
    (
        SELECT
            arrayPopFront(arrayDifference(times)) AS all_pauses,
            {max_gap_seconds:Nullable(UInt64)} IS NULL AS is_any_pause,
            ifNull({max_gap_seconds:Nullable(UInt64)}, 0) * 1000 AS max_gap_ms,
            arrayPopBack(nodes) AS all_from,
            arrayPopFront(nodes) AS all_to,
            if(is_any_pause, all_pauses, arrayFilter(pause -> pause <= max_gap_ms, all_pauses)) AS pauses,
            if(is_any_pause, all_from, arrayFilter((node, pause) -> pause <= max_gap_ms, all_from, all_pauses)) AS from_nodes,
            if(is_any_pause, all_to, arrayFilter((node, pause) -> pause <= max_gap_ms, all_to, all_pauses)) AS to_nodes
        FROM bounded
    ),
    -- The words of the codes: the pairs of name and channel there are, few, then each node of them.
    words AS
    (
        SELECT
            multiIf(
                node_is = 'name', sipHash64(name),
                node_is = 'channel', sipHash64(channel),
                sipHash64(sipHash64(name), sipHash64(channel))
            ) AS code,
            any(multiIf(node_is = 'name', toString(name), node_is = 'channel', toString(channel), concat(name, ' · ', channel))) AS word
        FROM (SELECT name, channel FROM parcours.touchpoints GROUP BY name, channel)
        GROUP BY code
    ),
    moves AS
    (
        SELECT
            move_from,
            move_to,
            count() AS passages,
            -- A walk is one person's: the first time they make a move counts them.
            countIf(time_made = 1) AS people,
            quantileExactInclusive(0.5)(pause_ms) / 1000 AS median_seconds
        FROM pairs
        ARRAY JOIN
            from_nodes AS move_from,
            to_nodes AS move_to,
            pauses AS pause_ms,
            arrayEnumerateUniq(from_nodes, to_nodes) AS time_made
        GROUP BY
            move_from,
            move_to
    )
SELECT
    origin.word AS from_node,
    target.word AS to_node,
    passages,
    people,
    passages / sum(passages) OVER (PARTITION BY from_node) AS probability,
    median_seconds
FROM moves
INNER JOIN words AS origin ON origin.code = moves.move_from
INNER JOIN words AS target ON target.code = moves.move_to
ORDER BY
    passages DESC,
    from_node,
    to_node
