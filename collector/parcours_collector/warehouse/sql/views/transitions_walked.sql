-- The moves that `transitions` tells by going through walks: those of a time or up to a pause, and all of them while none are kept.
-- Grain: one row an ordered pair of nodes that somebody moved between; none where kept moves tell them. Keys: from_node, to_node. Columns and parameters as in `transitions`, which reads this.
-- Not counted: as in `transitions`.
CREATE OR REPLACE VIEW transitions_walked AS
WITH
    /* checked: */ {from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AND {to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AND {max_gap_seconds:Nullable(UInt64)} IS NULL
        AND node_is IN ('name', 'channel', 'name_channel') AND (SELECT kept_run FROM parcours.moves_checked) != 0 AS is_kept, /* else: */
    ifNull({node:Nullable(String)}, 'name') AS node_is,
    ifNull(toUnixTimestamp64Milli({from_at:Nullable(DateTime64(3, 'UTC'))}), -9223372036854775808) AS from_ms,
    ifNull(toUnixTimestamp64Milli({to_at:Nullable(DateTime64(3, 'UTC'))}), 9223372036854775807) AS to_ms,
    {from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AND {to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AS is_unbounded,
    {max_gap_seconds:Nullable(UInt64)} IS NULL AS is_any_pause,
    ifNull({max_gap_seconds:Nullable(UInt64)}, 0) * 1000 AS max_gap_ms,
    -- The nodes that walks may hold, each with the number that stands for it meanwhile: the index holds those of names and channels as they are. Where two
    -- nodes share one, or what they are called, places in the list stand for them instead. Of all: what they are called, whether their numbers differ, and what stands for them.
    (
        SELECT
            (
                if(uniqExact(label) = count() AND uniqExact(number) = count() AS differ, groupArray(label), arrayDistinct(groupArray(label))) AS labels,
                differ,
                if(differ, groupArray(number), arrayEnumerate(labels))
            )
        FROM
        (
            SELECT DISTINCT
                multiIf(node_is = 'name', name, node_is = 'channel', channel, concat(name, ' · ', channel)) AS label,
                multiIf(
                    node_is = 'name', toUInt32(sipHash64(name)),
                    node_is = 'channel', toUInt32(sipHash64(channel)),
                    toUInt32(cityHash64(toUInt32(sipHash64(name)), toUInt32(sipHash64(channel))))
                ) AS number
            FROM
            (
                SELECT
                    name,
                    channel
                FROM parcours.journey_nodes
                WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
                UNION ALL
                /* waiting */
                SELECT
                    toString(name) AS name,
                    toString(channel) AS channel
                FROM parcours.touchpoints
                WHERE (project, UUIDv7ToDateTime(id, 'UTC')) IN (SELECT project, UUIDv7ToDateTime(id, 'UTC') FROM parcours.journey_index_changes)
                  AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
            )
        )
    ) AS nodes_known,
    nodes_known.1 AS labels,
    nodes_known.3 AS keys,
    walks AS
    (
        SELECT
            times AS all_times,
            if(
                nodes_known.2,
                identity(if(node_is = 'name', name_numbers, identity(if(node_is = 'channel', channel_numbers, arrayMap((name, channel) -> toUInt32(cityHash64(name, channel)), name_numbers, channel_numbers))))),
                arrayMap(
                    (name, channel) -> transform(multiIf(node_is = 'name', toString(name), node_is = 'channel', toString(channel), concat(name, ' · ', channel)), labels, keys, toUInt32(0)),
                    names, channels
                )
            ) AS all_nodes
        FROM
        (
            /* the rows of walks_indexed */
        )
        WHERE throwIf(node_is NOT IN ('name', 'channel', 'name_channel'), 'transitions: node is name, channel or name_channel; walk_transitions knows the other nodes') = 0
          AND /* checked: */ NOT is_kept AND /* else: */ ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
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
            arrayMap((origin, target) -> bitOr(bitShiftLeft(toUInt64(origin), 32), target), arrayPopBack(nodes), arrayPopFront(nodes)) AS all_moves,
            if(is_any_pause, all_pauses, arrayFilter(pause -> pause <= max_gap_ms, all_pauses)) AS pauses,
            if(is_any_pause, all_moves, arrayFilter((move, pause) -> pause <= max_gap_ms, all_moves, all_pauses)) AS moves_made
        FROM bounded
    ),
    moves AS
    (
        SELECT
            toUInt32(bitShiftRight(move, 32)) AS origin,
            toUInt32(bitAnd(move, 4294967295)) AS target,
            count() AS passages,
            -- A walk is one person's: the first time they make a move counts them.
            countIf(time_made = 1) AS people,
            quantileExactInclusive(0.5)(pause_ms) / 1000 AS median_seconds
        FROM pairs
        ARRAY JOIN
            moves_made AS move,
            pauses AS pause_ms,
            arrayEnumerateUniq(moves_made) AS time_made
        GROUP BY move
        -- A node that is stored for the first time while it is asked for is not known yet.
        HAVING has(keys, origin) AND has(keys, target)
    )
SELECT
    labels[indexOf(keys, origin)] AS from_node,
    labels[indexOf(keys, target)] AS to_node,
    passages,
    people,
    passages / sum(passages) OVER (PARTITION BY origin) AS probability,
    median_seconds
FROM moves
ORDER BY
    passages DESC,
    from_node,
    to_node
