-- How people move between the stages, on and back.
-- Grain: one row an ordered pair of stages that somebody moved between. Keys: project, from_stage, to_stage.
-- A move joins two touchpoints that follow each other in one person's life and are of different stages; what has no stage is passed over.
-- direction: 'forward' or 'backward' by the project's order of stages (projects.stages, or the catalogue's); 'aside' where a stage stands in neither.
-- moves, people: how often, and who. median_seconds: from the last touchpoint of the stage before to the first of the next.
-- Parameters, both may be left out: project; max_gap_seconds leaves out moves with a longer pause, whatever lies in it.
-- Not counted: touchpoints of nobody (person_id 0).
CREATE OR REPLACE VIEW stage_moves AS
WITH
    stayed AS
    (
        SELECT
            project,
            person_id,
            arrayFilter((at_ms, node, before) -> node != before, times, nodes, arrayShiftRight(nodes, 1, '')) AS entered_ms,
            -- The last touchpoint of each run stands before the first of the next.
            arrayFilter((at_ms, node, after) -> node != after, times, nodes, arrayPopFront(arrayPushBack(nodes, ''))) AS left_ms,
            arrayFilter((node, before) -> node != before, nodes, arrayShiftRight(nodes, 1, '')) AS stages
        FROM parcours.node_walks(
            node = 'stage',
            within = 'life',
            project = {project:Nullable(String)}
        )
    ),
    ordered AS
    (
        SELECT
            project,
            if(empty(stages), ['awareness', 'consideration', 'purchase', 'use', 'loyalty', 'advocacy'], stages) AS stages_in_order
        FROM parcours.projects FINAL
    ),
    moved AS
    (
        SELECT
            project,
            from_stage,
            to_stage,
            count() AS moves,
            uniqExact(person_id) AS people,
            quantileExactInclusive(0.5)(came_ms - went_ms) / 1000 AS median_seconds
        FROM stayed
        ARRAY JOIN
            arrayPopBack(arrayMap(one -> toString(one), stages)) AS from_stage,
            arrayPopFront(arrayMap(one -> toString(one), stages)) AS to_stage,
            arrayPopBack(left_ms) AS went_ms,
            arrayPopFront(entered_ms) AS came_ms
        WHERE {max_gap_seconds:Nullable(Float64)} IS NULL OR came_ms - went_ms <= ifNull({max_gap_seconds:Nullable(Float64)}, 0) * 1000
        GROUP BY
            project,
            from_stage,
            to_stage
    )
SELECT
    moved.project AS project,
    from_stage,
    to_stage,
    multiIf(
        indexOf(places, from_stage) = 0 OR indexOf(places, to_stage) = 0, 'aside',
        indexOf(places, from_stage) < indexOf(places, to_stage), 'forward',
        'backward'
    ) AS direction,
    moves,
    people,
    median_seconds
FROM
(
    SELECT
        moved.*,
        if(empty(ordered.stages_in_order), ['awareness', 'consideration', 'purchase', 'use', 'loyalty', 'advocacy'], ordered.stages_in_order) AS places
    FROM moved
    LEFT JOIN ordered ON ordered.project = moved.project
) AS moved
ORDER BY
    project,
    moves DESC,
    from_stage,
    to_stage
