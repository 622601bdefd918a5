-- Everything one person did, whatever the identifier one knows them by. It reads this person's touchpoints alone.
-- Grain: one row a touchpoint of the person, oldest first. Keys: id.
-- Parameters: kind and value of any identifier of the person (kind 'email_sha256' with the hashed value for an e-mail);
--   project: NULL = any project that knows this identifier.
-- session_no and journey_no are those of touchpoints_resolved: `resolved` is that view's text, over the touchpoints of this person.
-- A view in here would be analysed again at each place that asks it, and analysis is the most of this question: so all of it stands here by its text.
CREATE OR REPLACE VIEW person_timeline AS
WITH
    -- Each of these is found once, however often it is used. Tables are asked for them as `IN (SELECT arrayJoin(…))`: by its name, a list would be
    -- compared with every row instead of looked up by the sort key.
    (
        SELECT groupUniqArray(dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier))
        FROM parcours.identity_persons
        WHERE (project, identifier) IN
              (
                  -- The one project, or every one there is: '' is beside them then, and knows nobody that they do not.
                  SELECT
                      arrayJoin(arrayPushBack(groupUniqArray(toString(project)), ifNull({project:Nullable(String)}, ''))) AS told,
                      sipHash64(told, {kind:String}, {value:String})
                  FROM parcours.identity_persons
                  WHERE {project:Nullable(String)} IS NULL
              )
    ) AS known,
    -- Of each of their touchpoints the least identifier or the owner is one of these; of those that are not theirs any more, `theirs` decides.
    (
        SELECT arrayConcat(known, groupUniqArray(identifier))
        FROM dictionary('parcours.person_of')
        WHERE person_id IN (SELECT arrayJoin(known))
    ) AS identifiers_known,
    -- By the journey index and what it lacks, both read by their sort keys; the wide columns are read by that of the touchpoints then.
    theirs AS
    (
/* the query of touchpoints_unique */
        WHERE person_id IN known
          AND (project, UUIDv7ToDateTime(id, 'UTC'), id) IN
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
