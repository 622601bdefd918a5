-- The moves of `transitions` along the walks of `node_walks`: by any kind of node, within sessions or journeys, from a start to an end or by way of a node, weighed by value.
-- Grain: one row an ordered pair of nodes that somebody moved between. Keys: from_node, to_node.
-- A move joins two nodes that follow each other in one walk; loops and self-loops are kept. passages, people, probability, median_seconds: as in `transitions`, whose rows these are
--   where nothing but node = 'name', 'channel' or 'name_channel', project, bounds and max_gap_seconds are given; that view answers them in half the time.
-- value: with with_value = 1 what the walks that make the move brought (in the project's currency), each once however often it makes it, else NULL.
-- max_gap_seconds leaves out moves with a longer pause between the two nodes. The other parameters are as in `node_walks`. All may be left out.
-- Not counted: touchpoints of nobody (person_id 0); the entry into and the exit from the network.
CREATE OR REPLACE VIEW walk_transitions AS
WITH
    stepped AS
    (
        SELECT
            project,
            person_id,
            revenue,
            arrayMap(node -> toString(node), nodes) AS words,
            arrayFilter(
                step -> step.3 <= ifNull({max_gap_seconds:Nullable(Float64)}, 9.2e15) * 1000,
                arrayZip(arrayPopBack(words), arrayPopFront(words), arrayPopFront(arrayDifference(times)))
            ) AS steps
        FROM parcours.node_walks(
            node = {node:Nullable(String)},
            within = {within:Nullable(String)},
            start_node = {start_node:Nullable(String)},
            end_node = {end_node:Nullable(String)},
            via = {via:Nullable(String)},
            with_value = {with_value:Nullable(Bool)},
            project = {project:Nullable(String)},
            from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
            to_at = {to_at:Nullable(DateTime64(3, 'UTC'))}
        )
    )
SELECT
    step.1 AS from_node,
    step.2 AS to_node,
    count() AS passages,
    uniqExact(project, person_id) AS people,
    passages / sum(passages) OVER (PARTITION BY from_node) AS probability,
    quantileExactInclusive(0.5)(step.3) / 1000 AS median_seconds,
    sumIf(revenue, time_made = 1) AS value
FROM stepped
ARRAY JOIN
    steps AS step,
    arrayEnumerateUniq(arrayMap(one -> (one.1, one.2), steps)) AS time_made
GROUP BY
    from_node,
    to_node
ORDER BY
    passages DESC,
    from_node,
    to_node
