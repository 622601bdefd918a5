-- The network: how people move from one touchpoint to their next. Loops and self-loops are kept.
-- Grain: one row an ordered pair of nodes that somebody moved between. Keys: from_node, to_node.
-- A move joins two touchpoints that follow each other in one person's time, across sessions and journeys, however long the pause;
--   touchpoints of the same instant follow in the order of their ids.
-- probability: passages of this move ÷ all moves out of from_node; the probabilities of one from_node add up to 1.
-- median_seconds: the pause between the two touchpoints.
-- Of whole lives they are kept from when nothing waited, as long as the walks are the same (`transitions_kept`); anything else goes through walks (`transitions_walked`).
-- Sessions, start, end, other nodes and value: `walk_transitions`, which takes longer.
-- Parameters, all of which may be left out: node = 'name' (default), 'channel' or 'name_channel' ('product_viewed · web'); project; from_at and
--   to_at bound both ends of a move (from_at ≤ occurred_at < to_at); max_gap_seconds leaves out moves with a longer pause.
-- Not counted: touchpoints of nobody (person_id 0); the entry into and the exit from the network.
CREATE OR REPLACE VIEW transitions AS
SELECT
    from_node,
    to_node,
    passages,
    people,
    probability,
    median_seconds
FROM
(
    /* walked */
    SELECT *
    FROM
    (
        /* the rows of transitions_walked */
    )
    UNION ALL
    /* kept */
    SELECT *
    FROM
    (
        /* the rows of transitions_kept */
    )
)
ORDER BY
    passages DESC,
    from_node,
    to_node
