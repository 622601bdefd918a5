-- People's touchpoints as nodes, in the order of time, cut into the walks that a question looks at: the base of the network's views.
-- Grain: one row a walk that has a node, with with_empty = 1 every walk. Keys: project, person_id, walk_no.
-- A walk is a person's whole life, or with within = 'session' | 'journey' one session or journey as `touchpoints_resolved` numbers them. A pause of more
--   than max_gap_seconds cuts lives and sessions further; journeys have the project's own gap, so that their outcomes hold. walk_no: 1, 2, … for a person; sessions are numbered one channel family after the other.
-- node: what a node is: 'name' (default), 'channel', 'name_channel' ('product_viewed · web'), 'stage', 'source', 'place' (the store_id of the properties or the
--   context, else the channel), 'properties.NAME' or 'context.NAME'. What has no such property, or an empty one, is no node. With without_conversion = 1 neither is the conversion that a
--   journey ends with.
-- Then, in this order: strip_slash = 1 takes the trailing slash off a node that is more than a slash; groups, patterns with * for anything, one a line, put
--   the pattern in place of a node that contains it (the first that does); collapse = 1 makes a run of one node one, at the time of its last touchpoint;
--   start_node lets a walk begin at its first such node, end_node end at the first one from there, and walks without them are left out; via leaves out
--   those that do not pass it. The three are written as the node is after groups.
-- times: milliseconds since 1970, one a node. began_ms, ended_ms: of the whole session, journey or life, whatever of it are nodes. outcome: for journeys as in `journeys` (converted, lost, open), of the journey as a whole; else ''.
-- revenue: with with_value = 1 what the touchpoints of the session, journey or life brought in the project's currency, else NULL.
-- from_at, to_at: sessions and journeys that began in from_at ≤ t < to_at, as a whole; of lives the touchpoints in them.
-- Parameters may all be left out. Read from the journey index where node and value allow, else from the touchpoints.
-- Not counted: touchpoints of nobody (person_id 0).
CREATE OR REPLACE VIEW node_walks AS
WITH
    ifNull({node:Nullable(String)}, 'name') AS node_is,
    ifNull({within:Nullable(String)}, 'life') AS within_is,
    ifNull({with_value:Nullable(Bool)}, false) AS is_valued,
    startsWith(node_is, 'properties.') OR startsWith(node_is, 'context.') AS is_property,
    substring(node_is, position(node_is, '.') + 1) AS property,
    node_is IN ('name', 'channel', 'name_channel', 'stage') AND NOT is_valued AS is_indexed,
    ifNull(toUnixTimestamp64Milli({from_at:Nullable(DateTime64(3, 'UTC'))}), -9223372036854775808) AS from_ms,
    ifNull(toUnixTimestamp64Milli({to_at:Nullable(DateTime64(3, 'UTC'))}), 9223372036854775807) AS to_ms,
    within_is = 'life' AND ({from_at:Nullable(DateTime64(3, 'UTC'))} IS NOT NULL OR {to_at:Nullable(DateTime64(3, 'UTC'))} IS NOT NULL) AS is_trimmed,
    is_property OR node_is = 'stage' AS may_be_none,
    ifNull({strip_slash:Nullable(Bool)}, false) AS is_bare,
    ifNull({groups:Nullable(String)}, '') != '' AS is_grouped,
    ifNull({collapse:Nullable(Bool)}, false) AS is_collapsed,
    ifNull({with_empty:Nullable(Bool)}, false) AND {end_node:Nullable(String)} IS NULL AS may_be_empty,
    within_is = 'journey' AND ifNull({without_conversion:Nullable(Bool)}, false) AS is_before_conversion,
    ifNull({max_gap_seconds:Nullable(Float64)}, 9.2e15) * 1000 AS max_gap_ms,
    splitByChar('\n', ifNull({groups:Nullable(String)}, '')) AS patterns,
    arrayMap(pattern -> concat('(?s)', replaceAll(regexpQuoteMeta(pattern), '\\*', '.*')), patterns) AS expressions,
    lives AS
    (
        SELECT
            project,
            person_id,
            times,
            names,
            channels,
            multiIf(
                node_is = 'name', names,
                node_is = 'channel', channels,
                node_is = 'stage', arrayMap(name -> toLowCardinality(dictGet('parcours.kind_of', 'stage', if(dictHas('parcours.kind_of', (project, name)), (project, name), ('', name)))), names),
                arrayMap((name, channel) -> toLowCardinality(concat(name, ' · ', channel)), names, channels)
            ) AS nodes,
            CAST([], 'Array(Float64)') AS revenues
        FROM
        (
            /* the rows of walks_indexed */
        )
        WHERE is_indexed
          AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
        UNION ALL
        SELECT
            project,
            person_id,
            arrayMap(step -> step.1, steps) AS times,
            arrayMap(step -> step.3, steps) AS names,
            arrayMap(step -> step.4, steps) AS channels,
            arrayMap(step -> step.5, steps) AS nodes,
            arrayMap(step -> step.6, steps) AS revenues
        FROM
        (
            SELECT
                project,
                person_id,
                arraySort(step -> (step.1, step.2), groupArray((toUnixTimestamp64Milli(occurred_at), id_order, name, channel, toLowCardinality(node), value))) AS steps
            FROM
            (
                SELECT
                    project,
                    person_id,
                    occurred_at,
                    id_order,
                    name,
                    channel,
                    if(is_valued AND currency = dictGet('parcours.project_settings', 'currency', project), toFloat64(ifNull(revenue, 0)), 0) AS value,
                    if(startsWith(node_is, 'properties.'), properties, context) AS document,
                    -- `if` with a constant condition leaves its other branch out, and the columns that only it reads.
                    if(node_is = 'name', toString(name),
                    identity(if(node_is = 'channel', toString(channel),
                    identity(if(node_is = 'name_channel', concat(name, ' · ', channel),
                    identity(if(node_is = 'stage', dictGet('parcours.kind_of', 'stage', if(dictHas('parcours.kind_of', (project, name)), (project, name), ('', name))),
                    identity(if(node_is = 'source', toString(source),
                    identity(if(node_is = 'place', multiIf(
                        JSONExtractString(properties, 'store_id') != '', JSONExtractString(properties, 'store_id'),
                        JSONExtractString(context, 'store_id') != '', JSONExtractString(context, 'store_id'),
                        toString(channel)
                    ),
                    identity(if(JSONType(document, property) = 'String', JSONExtractString(document, property), JSONExtractRaw(document, property)))))))))))))) AS node
                FROM parcours.touchpoints_unique
                WHERE NOT is_indexed
                  AND person_id != 0
                  AND throwIf(NOT is_property AND node_is NOT IN ('name', 'channel', 'name_channel', 'stage', 'source', 'place'), 'node is name, channel, name_channel, stage, source, place, properties.NAME or context.NAME') = 0
                  AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
            )
            GROUP BY
                project,
                person_id
        )
    ),
    -- Sessions of several channel families overlap: laid one family after the other, each lies in one piece.
    placed AS
    (
        SELECT
            *,
            if(within_is != 'session', [], arrayMap(channel -> multiIf(channel IN ('web', 'search', 'social', 'ads'), 'web', channel IN ('email', 'sms', 'push', 'mail'), 'message', toString(channel)), channels)) AS families_in_time,
            if(within_is != 'session', [], arraySort((i, family) -> (family, i), arrayEnumerate(times), families_in_time)) AS places
        FROM lives
        WHERE throwIf(within_is NOT IN ('life', 'session', 'journey'), 'within is life, session or journey') = 0
          AND throwIf(within_is = 'journey' AND {max_gap_seconds:Nullable(Float64)} IS NOT NULL, 'journeys are cut by the project\'s journey_gap_seconds, not by max_gap_seconds') = 0
    ),
    ordered AS
    (
        SELECT
            project,
            person_id,
            if(within_is = 'session', arrayMap(i -> times[i], places), times) AS all_times,
            if(within_is = 'session', arrayMap(i -> nodes[i], places), nodes) AS all_nodes,
            if(within_is = 'session' AND is_valued, arrayMap(i -> revenues[i], places), revenues) AS all_revenues,
            if(within_is = 'session', arrayMap(i -> families_in_time[i], places), []) AS families,
            if(within_is = 'journey', arrayMap(name -> dictGet('parcours.kind_of', 'conversion', if(dictHas('parcours.kind_of', (project, name)), (project, name), ('', name))), names), []) AS conversions
        FROM placed
    ),
    cut AS
    (
        SELECT
            *,
            multiIf(
                within_is = 'journey', arrayMap((pause, ended) -> ended OR pause > dictGet('parcours.project_settings', 'journey_gap_seconds', project) * 1000, arrayDifference(all_times), arrayShiftRight(conversions, 1, 0)),
                within_is = 'session', arrayMap((pause, one, before) -> one != before OR pause > max_gap_ms OR pause > dictGet('parcours.project_settings', 'session_gap_seconds', project) * 1000, arrayDifference(all_times), families, arrayShiftRight(families, 1, '')),
                arrayMap(pause -> pause > max_gap_ms, arrayDifference(all_times))
            ) AS cuts
        FROM ordered
    ),
    parted AS
    (
        SELECT
            project,
            person_id,
            arraySplit((at_ms, is_cut) -> is_cut, all_times, cuts) AS times_of_walks,
            arraySplit((node, is_cut) -> is_cut, all_nodes, cuts) AS nodes_of_walks,
            if(is_valued, arraySplit((one, is_cut) -> is_cut, all_revenues, cuts), arrayWithConstant(length(times_of_walks), CAST([], 'Array(Float64)'))) AS revenues_of_walks,
            if(within_is = 'journey', arraySplit((one, is_cut) -> is_cut, conversions, cuts), arrayWithConstant(length(times_of_walks), CAST([], 'Array(UInt8)'))) AS conversions_of_walks
        FROM cut
    ),
    walks AS
    (
        SELECT
            project,
            person_id,
            walk_no,
            walk_times[1] AS began_ms,
            walk_times[-1] AS ended_ms,
            multiIf(
                is_trimmed, arrayFilter(at_ms -> at_ms >= from_ms AND at_ms < to_ms, walk_times),
                is_before_conversion AND walk_conversions[-1] = 1, arrayPopBack(walk_times),
                walk_times
            ) AS bounded_times,
            multiIf(
                is_trimmed, arrayFilter((node, at_ms) -> at_ms >= from_ms AND at_ms < to_ms, walk_nodes, walk_times),
                is_before_conversion AND walk_conversions[-1] = 1, arrayPopBack(walk_nodes),
                walk_nodes
            ) AS bounded_nodes,
            if(is_valued, arraySum(if(is_trimmed, arrayFilter((one, at_ms) -> at_ms >= from_ms AND at_ms < to_ms, walk_revenues, walk_times), walk_revenues)), NULL) AS revenue,
            multiIf(
                within_is != 'journey', '',
                walk_conversions[-1] = 1, 'converted',
                walk_no < length(times_of_walks), 'lost',
                toUnixTimestamp64Milli(now64(3, 'UTC')) - walk_times[-1] > dictGet('parcours.project_settings', 'journey_gap_seconds', project) * 1000, 'lost',
                'open'
            ) AS outcome
        FROM parted
        ARRAY JOIN
            times_of_walks AS walk_times,
            nodes_of_walks AS walk_nodes,
            revenues_of_walks AS walk_revenues,
            conversions_of_walks AS walk_conversions,
            arrayEnumerate(times_of_walks) AS walk_no
        WHERE within_is = 'life' OR (walk_times[1] >= from_ms AND walk_times[1] < to_ms)
    ),
    present AS
    (
        SELECT
            * EXCEPT (bounded_times, bounded_nodes),
            if(may_be_none, arrayFilter((at_ms, node) -> node != '', bounded_times, bounded_nodes), bounded_times) AS present_times,
            if(may_be_none, arrayFilter(node -> node != '', bounded_nodes), bounded_nodes) AS present_nodes
        FROM walks
    ),
    named AS
    (
        SELECT
            * EXCEPT (present_nodes),
            if(is_bare, arrayMap(node -> if(length(node) > 1 AND endsWith(node, '/'), toLowCardinality(substring(node, 1, length(node) - 1)), node), present_nodes), present_nodes) AS bare_nodes,
            if(is_grouped, arrayMap(node -> toLowCardinality(ifNull(nullIf(arrayFirst((pattern, expression) -> pattern != '' AND match(toString(node), expression), patterns, expressions), ''), toString(node))), bare_nodes), bare_nodes) AS named_nodes
        FROM present
    ),
    -- The last of a run stands for it.
    collapsed AS
    (
        SELECT
            * EXCEPT (present_times, named_nodes),
            if(is_collapsed, arrayPushBack(arrayMap((node, next) -> node != next, arrayPopBack(named_nodes), arrayPopFront(named_nodes)), 1), []) AS ends_run,
            if(is_collapsed, arrayFilter((at_ms, is_last) -> is_last, present_times, arrayResize(ends_run, length(present_times))), present_times) AS whole_times,
            if(is_collapsed, arrayFilter((node, is_last) -> is_last, named_nodes, arrayResize(ends_run, length(named_nodes))), named_nodes) AS whole_nodes
        FROM named
    ),
    begun AS
    (
        SELECT
            * EXCEPT (whole_times, whole_nodes, ends_run),
            if({start_node:Nullable(String)} IS NULL, 1, indexOf(whole_nodes, toLowCardinality(ifNull({start_node:Nullable(String)}, '')))) AS first_place,
            if({start_node:Nullable(String)} IS NULL, whole_times, arraySlice(whole_times, greatest(first_place, 1))) AS begun_times,
            if({start_node:Nullable(String)} IS NULL, whole_nodes, arraySlice(whole_nodes, greatest(first_place, 1))) AS begun_nodes
        FROM collapsed
    ),
    ended AS
    (
        SELECT
            *,
            if({end_node:Nullable(String)} IS NULL, length(begun_nodes), indexOf(begun_nodes, toLowCardinality(ifNull({end_node:Nullable(String)}, '')))) AS nodes_wanted
        FROM begun
        WHERE first_place > 0
    )
SELECT
    project,
    person_id,
    walk_no,
    if({end_node:Nullable(String)} IS NULL, begun_times, arraySlice(begun_times, 1, nodes_wanted)) AS times,
    if({end_node:Nullable(String)} IS NULL, begun_nodes, arraySlice(begun_nodes, 1, nodes_wanted)) AS nodes,
    began_ms,
    ended_ms,
    outcome,
    revenue
FROM ended
WHERE (nodes_wanted > 0 OR may_be_empty)
  AND ({via:Nullable(String)} IS NULL OR has(nodes, toLowCardinality(ifNull({via:Nullable(String)}, ''))))
