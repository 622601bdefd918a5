-- The nodes that journeys of one project may have, as numbers: what `journeys_numbered` and the questions over it translate by. Ask those.
-- Grain: one row.
-- labels: what the nodes are called, after groups. numbers: what stands in the journey index for each (name_numbers, channel_numbers, or a hash of both); places: the place in labels of
--   each of these numbers. conversions: the name_numbers that end a journey as converted. is_known: the walks can be told by numbers alone: there is
--   one project, named or not (only_project), a node is a name, a channel or both, and no two of its words share a number.
-- Parameters: node, groups and project as in `node_walks`.
-- Not counted: what is stored for the first time while it is asked for.
CREATE OR REPLACE VIEW nodes_known AS
WITH
    ifNull({node:Nullable(String)}, 'name') AS node_is,
    splitByChar('\n', ifNull({groups:Nullable(String)}, '')) AS patterns,
    arrayMap(pattern -> concat('(?s)', replaceAll(regexpQuoteMeta(pattern), '\\*', '.*')), patterns) AS expressions,
    pairs AS
    (
        SELECT DISTINCT
            project,
            name,
            channel,
            toUInt32(sipHash64(name)) AS name_number,
            toUInt32(sipHash64(channel)) AS channel_number,
            multiIf(node_is = 'name', name_number, node_is = 'channel', channel_number, toUInt32(cityHash64(name_number, channel_number))) AS number,
            multiIf(node_is = 'name', name, node_is = 'channel', channel, concat(name, ' · ', channel)) AS word,
            ifNull(nullIf(arrayFirst((pattern, expression) -> pattern != '' AND match(word, expression), patterns, expressions), ''), word) AS label,
            dictGet('parcours.kind_of', 'conversion', if(dictHas('parcours.kind_of', (project, name)), (project, name), ('', name))) AS is_conversion
        FROM
        (
            SELECT
                toString(project) AS project,
                name,
                channel
            FROM parcours.journey_nodes
            WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
            UNION ALL
            /* waiting */
            SELECT
                toString(project) AS project,
                toString(name) AS name,
                toString(channel) AS channel
            FROM parcours.touchpoints
            WHERE (project, UUIDv7ToDateTime(id, 'UTC')) IN (SELECT project, UUIDv7ToDateTime(id, 'UTC') FROM parcours.journey_index_changes)
              AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
        )
        WHERE node_is IN ('name', 'channel', 'name_channel')
    )
SELECT
    arraySort(groupUniqArray(label)) AS labels,
    groupUniqArray((number, label)) AS told,
    arrayMap(one -> one.1, told) AS numbers,
    arrayMap(one -> toUInt32(indexOf(labels, one.2)), told) AS places,
    groupUniqArrayIf(name_number, is_conversion = 1) AS conversions,
    any(project) AS only_project,
    uniqExact(project) = 1 AND uniqExact(number) = uniqExact(word) AND uniqExact(name_number) = uniqExact(name) AS is_known
FROM pairs
