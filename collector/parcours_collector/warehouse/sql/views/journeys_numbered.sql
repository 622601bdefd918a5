-- Every person's journeys that are over, laid end to end as numbers: what questions over whole networks count. Ask those.
-- Grain: one row a person who has one. Keys: person_id.
-- nodes: places in the labels of `nodes_known`, in the order of time; collapse = 1 makes a run of one node in a journey one. ends: of each, 0 = the journey goes on, 1 = it converted there,
--   2 = it was lost there. ends_at_last: the same as ends for the whole journey, at each of its nodes (1 or 2). With without_conversion = 1 the node that a journey converted at is 0, none.
-- What a journey is stands in `journeys`. Nothing is in it unless `nodes_known` says is_known.
-- Parameters: node, groups, collapse, without_conversion, project, from_at and to_at as in `node_walks`, for journeys.
-- Not counted: open journeys.
CREATE OR REPLACE VIEW journeys_numbered AS
WITH
    (
        SELECT (numbers, places, conversions, is_known, only_project)
        FROM
        (
            /* the query of nodes_known */
        )
    ) AS known,
    ifNull({node:Nullable(String)}, 'name') AS node_is,
    dictGet('parcours.project_settings', 'journey_gap_seconds', known.5) * 1000 AS gap_ms,
    toUnixTimestamp64Milli(now64(3, 'UTC')) AS now_ms,
    {from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AND {to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AS is_unbounded,
    ifNull(toUnixTimestamp64Milli({from_at:Nullable(DateTime64(3, 'UTC'))}), -9223372036854775808) AS from_ms,
    ifNull(toUnixTimestamp64Milli({to_at:Nullable(DateTime64(3, 'UTC'))}), 9223372036854775807) AS to_ms,
    ifNull({collapse:Nullable(Bool)}, false) AS is_collapsed,
    ifNull({without_conversion:Nullable(Bool)}, false) AS is_before_conversion,
    -- A journey begins after a conversion or a silence; whether the last one is over is for the clock to say.
    begun AS
    (
        SELECT
            person_id,
            times,
            arrayMap(
                number -> transform(number, known.1, known.2, toUInt32(0)),
                if(node_is = 'name', name_numbers, identity(if(node_is = 'channel', channel_numbers, arrayMap((name, channel) -> toUInt32(cityHash64(name, channel)), name_numbers, channel_numbers))))
            ) AS all_nodes,
            arrayMap(number -> has(known.3, number), name_numbers) AS converts,
            arrayMap((pause_ms, has_ended) -> has_ended OR pause_ms > gap_ms, arrayDifference(times), arrayShiftRight(converts, 1, 1)) AS begins,
            if(converts[-1] OR now_ms - times[-1] > gap_ms, toInt64(length(times)), toInt64(arrayLastIndex(one -> one, begins)) - 1) AS nodes_over
        FROM
        (
            /* the rows of walks_indexed */
        )
        WHERE known.4
          AND project = known.5
    ),
    judged AS
    (
        SELECT
            person_id,
            arraySlice(all_nodes, 1, nodes_over) AS whole_nodes,
            arraySlice(arrayMap((has_converted, is_last) -> if(is_last, if(has_converted, 1, 2), 0), converts, arrayShiftLeft(begins, 1, 1)), 1, nodes_over) AS whole_ends,
            if(is_unbounded, [], arrayFill(began_ms -> began_ms != -9223372036854775808, arrayMap((is_first, at_ms) -> if(is_first, at_ms, -9223372036854775808), begins, times))) AS began
        FROM begun
        WHERE nodes_over > 0
    ),
    bounded AS
    (
        SELECT
            person_id,
            if(is_before_conversion, arrayMap((one, how) -> if(how = 1, toUInt32(0), one), whole_nodes, whole_ends), whole_nodes) AS nodes_wanted,
            if(is_unbounded, nodes_wanted, arrayFilter((one, began_ms) -> began_ms >= from_ms AND began_ms < to_ms, nodes_wanted, arrayResize(began, length(nodes_wanted)))) AS bounded_nodes,
            if(is_unbounded, whole_ends, arrayFilter((one, began_ms) -> began_ms >= from_ms AND began_ms < to_ms, whole_ends, arrayResize(began, length(whole_ends)))) AS bounded_ends
        FROM judged
    )
SELECT
    person_id,
    if(is_collapsed, arrayFilter((one, next, how) -> one != next OR how > 0, bounded_nodes, arrayPopFront(arrayPushBack(bounded_nodes, toUInt32(0))), bounded_ends), bounded_nodes) AS nodes,
    if(is_collapsed, arrayFilter((how, one, next) -> one != next OR how > 0, bounded_ends, bounded_nodes, arrayPopFront(arrayPushBack(bounded_nodes, toUInt32(0)))), bounded_ends) AS ends,
    arrayReverse(arrayFill(how -> how > 0, arrayReverse(ends))) AS ends_at_last
FROM bounded
WHERE notEmpty(nodes)
