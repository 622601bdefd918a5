-- The network: how people move from one touchpoint to their next. Loops and self-loops are kept.
-- Grain: one row an ordered pair of nodes that somebody moved between. Keys: from_node, to_node.
-- A move joins two touchpoints that follow each other in one person's time, across sessions and journeys, however long the pause;
--   touchpoints of the same instant follow in the order of their ids.
-- probability: passages of this move ÷ all moves out of from_node; the probabilities of one from_node add up to 1.
-- median_seconds: the pause between the two touchpoints.
-- Parameters, all of which may be left out: node = 'name' (default), 'channel' or 'name_channel' ('product_viewed · web'); project; from_at and
--   to_at bound both ends of a move (from_at ≤ occurred_at < to_at); max_gap_seconds leaves out moves with a longer pause.
-- Not counted: touchpoints of nobody (person_id 0); the entry into and the exit from the network.
CREATE OR REPLACE VIEW transitions AS
WITH
    walks AS
    (
        SELECT
            project,
            person_id,
            arraySort(step -> (step.1, step.2), groupArray((
                occurred_at,
                id_order,
                multiIf(
                    ifNull({node:Nullable(String)}, 'name') = 'name', toString(name),
                    ifNull({node:Nullable(String)}, 'name') = 'channel', toString(channel),
                    ifNull({node:Nullable(String)}, 'name') = 'name_channel', concat(name, ' · ', channel),
                    if(throwIf(true, 'transitions: node is name, channel or name_channel'), '', '')
                )
            ))) AS steps
        FROM parcours.touchpoints_unique
        WHERE person_id != 0
          AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
          AND ({from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL OR occurred_at >= {from_at:Nullable(DateTime64(3, 'UTC'))})
          AND ({to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL OR occurred_at < {to_at:Nullable(DateTime64(3, 'UTC'))})
        GROUP BY
            project,
            person_id
    ),
    moves AS
    (
        SELECT
            person_id,
            move.1 AS from_node,
            move.2 AS to_node,
            move.3 AS pause_seconds
        FROM walks
        ARRAY JOIN arrayMap(
            (before, after) -> (before.3, after.3, dateDiff('millisecond', before.1, after.1) / 1000),
            arrayPopBack(steps),
            arrayPopFront(steps)
        ) AS move
        WHERE {max_gap_seconds:Nullable(UInt64)} IS NULL OR pause_seconds <= {max_gap_seconds:Nullable(UInt64)}
    )
SELECT
    from_node,
    to_node,
    count() AS passages,
    uniqExact(person_id) AS people,
    passages / sum(passages) OVER (PARTITION BY from_node) AS probability,
    quantileExactInclusive(0.5)(pause_seconds) AS median_seconds
FROM moves
GROUP BY
    from_node,
    to_node
ORDER BY
    passages DESC,
    from_node,
    to_node
