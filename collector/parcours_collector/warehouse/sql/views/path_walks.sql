-- The paths of people, one by one, as `path_links`, `path_steps` and `paths` count them: who went which way.
-- Grain: one row a walk of `node_walks`. Keys: project, person_id, walk_no.
-- path: its nodes, after transforms and step_limit. seconds_from_previous: between the nodes shown; 0 for the first.
-- transforms: one a line, applied in order: exposure (a run of one node is one, at its last time), first (each node where it first occurs), last_N (the last N nodes),
--   remove_if_not_all:NODE (without NODE, unless nothing were left), remove_if_last_and_not_all:NODE (without the run of NODE at the end, unless nothing
--   were left), unique (as it is).
-- step_limit: at most so many nodes: the first ones; with end_node the last ones; with start_node and end_node half of them from either end, and '...' for what
--   lies between, at the time of the first node left out.
-- The other parameters are those of `node_walks`. All may be left out. Not counted: as in `node_walks`.
CREATE OR REPLACE VIEW path_walks AS
WITH
    arrayFilter(one -> one != '', splitByChar('\n', ifNull({transforms:Nullable(String)}, ''))) AS wanted,
    ifNull({step_limit:Nullable(UInt32)}, 4294967295) AS most,
    intDiv(most, 2) AS half,
    {start_node:Nullable(String)} IS NOT NULL AS is_begun,
    {end_node:Nullable(String)} IS NOT NULL AS is_ended,
    transformed AS
    (
        SELECT
            project,
            person_id,
            walk_no,
            outcome,
            revenue,
            arrayZip(arrayMap(node -> toString(node), nodes), times) AS walked,
            if(empty(wanted), walked, arrayFold(
                (steps, how) -> multiIf(
                    how = 'unique', steps,
                    how = 'exposure', arrayFilter((step, next) -> step.1 != next.1, steps, arrayPopFront(arrayPushBack(steps, ('', toInt64(0))))),
                    how = 'first', arrayFilter((step, time_seen) -> time_seen = 1, steps, arrayEnumerateUniq(arrayMap(step -> step.1, steps))),
                    match(how, '^last_[0-9]+$'), arraySlice(steps, -least(toInt64OrZero(substring(how, 6)), length(steps))),
                    startsWith(how, 'remove_if_not_all:'), if(arrayAll(step -> step.1 = substring(how, 19), steps), steps, arrayFilter(step -> step.1 != substring(how, 19), steps)),
                    startsWith(how, 'remove_if_last_and_not_all:'), if(arrayAll(step -> step.1 = substring(how, 28), steps), steps, arraySlice(steps, 1, arrayLastIndex(step -> step.1 != substring(how, 28), steps))),
                    steps
                ),
                wanted, walked
            )) AS steps
        FROM (
            /* the query of node_walks */
        )
        WHERE throwIf(arrayExists(how -> NOT match(how, '^(unique|exposure|first|last_[1-9][0-9]*|remove_if_not_all:.+|remove_if_last_and_not_all:.+)$'), wanted), 'a transform is unique, exposure, first, last_N, remove_if_not_all:NODE or remove_if_last_and_not_all:NODE') = 0
          AND throwIf(most < 2, 'step_limit is at least 2') = 0
    ),
    limited AS
    (
        SELECT
            project,
            person_id,
            walk_no,
            outcome,
            revenue,
            multiIf(
                length(steps) <= most, steps,
                is_begun AND is_ended, arrayConcat(arraySlice(steps, 1, half), [('...', steps[half + 1].2)], arraySlice(steps, -toInt64(half))),
                is_ended, arraySlice(steps, -toInt64(most)),
                arraySlice(steps, 1, most)
            ) AS shown
        FROM transformed
    )
SELECT
    project,
    person_id,
    walk_no,
    arrayMap(step -> step.1, shown) AS path,
    arrayMap(pause_ms -> pause_ms / 1000, arrayDifference(arrayMap(step -> step.2, shown))) AS seconds_from_previous,
    outcome,
    revenue
FROM limited
