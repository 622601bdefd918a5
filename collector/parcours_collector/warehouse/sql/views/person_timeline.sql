-- Everything one person did, whatever the identifier one knows them by. It reads this person's touchpoints alone.
-- Grain: one row a touchpoint of the person, oldest first. Keys: id.
-- Parameters: kind and value of any identifier of the person (kind 'email_sha256' with the hashed value for an e-mail);
--   project: NULL = any project that knows this identifier.
-- session_no and journey_no are those of touchpoints_resolved: `resolved` is that view's text, over the touchpoints of this person.
-- A view in here would be analysed again at each place that asks it, and analysis is the most of this question: so all of it stands here by its text.
CREATE OR REPLACE VIEW person_timeline AS
WITH
    -- One project is named, or every one there is asked: '' is beside them then, and knows nobody that they do not. A table is asked for a list as
    -- `IN (SELECT arrayJoin(…))`: by its name it would be compared with every row instead of looked up by the sort key. And these are lists, found once: a query would be
    -- asked anew for each of the tables below.
    /* whichever: */ (
        SELECT groupUniqArray(dictGetOrDefault('parcours.person_of', 'person_id', sipHash64(told, {kind:String}, {value:String}) AS asked, asked))
        FROM
        (
            SELECT arrayJoin(arrayPushBack(groupUniqArray(toString(project)), ifNull({project:Nullable(String)}, ''))) AS told
            FROM parcours.identity_persons
            WHERE {project:Nullable(String)} IS NULL
        )
    ) /* else: [dictGetOrDefault('parcours.person_of', 'person_id', sipHash64(ifNull({project:Nullable(String)}, ''), {kind:String}, {value:String}) AS asked, asked)] */ AS known,
    -- Of each of their touchpoints the least identifier or the owner is one of these; of those that are not theirs any more, `theirs` decides.
    (
        SELECT groupUniqArray(identifier)
        FROM
        (
            SELECT identifier
            FROM parcours.identity_persons
            PREWHERE person_id IN known
            UNION ALL
            -- What a run has said that the dictionary may not hold yet may have taken the place of what that holds: a run that is not recorded, or one that a replica has not noticed.
            SELECT identifier
            FROM parcours.identity_persons
            PREWHERE version > least((SELECT max(run) FROM parcours.stitching_runs), toUInt64(toUnixTimestamp64Micro(now64(6, 'UTC')) - 120000000))
            WHERE dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier) IN known
        )
    ) AS identifiers_known,
    -- By the journey index and what it lacks, both read by their sort keys; the wide columns are read by that of the touchpoints then, of the few granules there are
    -- each core some: by itself the engine would have one core read so few.
    theirs AS
    (
/* the query of touchpoints_unique */
        PREWHERE (project, UUIDv7ToDateTime(id, 'UTC'), id) IN
              (
                  SELECT project, UUIDv7ToDateTime(id, 'UTC'), id
                  FROM
                  (
                      SELECT project, arrayJoin(ids) AS id
                      FROM parcours.journey_index
                      WHERE identifier IN (SELECT arrayJoin(identifiers_known))
                      UNION ALL
                      SELECT project, id
                      FROM parcours.journey_index_changes
                      WHERE identifier IN (SELECT arrayJoin(identifiers_known))
                      UNION ALL
                      SELECT project, id
                      FROM parcours.touchpoint_owners
                      WHERE identifier IN (SELECT arrayJoin(identifiers_known))
                  )
              )
        WHERE person_id IN known
        SETTINGS
            merge_tree_min_rows_for_concurrent_read = 1,
            merge_tree_min_bytes_for_concurrent_read = 1,
            merge_tree_min_read_task_size = 1
    ),
    resolved AS
    (
        /* touchpoints_resolved of theirs */
    )
SELECT
    project,
    person_id,
    occurred_at,
    id,
    name,
    channel,
    source,
    stage,
    need,
    valence,
    session_no,
    journey_no,
    is_conversion,
    ids,
    context,
    properties,
    enrichment,
    revenue,
    currency
FROM resolved
ORDER BY
    project,
    person_id,
    occurred_at,
    toUInt128(id)
