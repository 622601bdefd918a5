-- Every touchpoint once, with its person, its stage, and its place in the person's sessions and journeys.
-- Grain: one row a touchpoint (project, id). Keys: id; person_id, occurred_at.
-- session_no: 1, 2, … for a person, in order of start. A session is one channel family of one person with no gap over the project's
--   session_gap_seconds (30 minutes by default). Families: web (web, search, social, ads), app, message (email, sms, push, mail), store, and any
--   other channel by itself.
-- journey_no: 1, 2, … for a person. A journey ends with a conversion (touchpoint_kinds.conversion) or before a silence of more than
--   the project's journey_gap_seconds (30 days by default).
-- Not numbered: touchpoints of nobody (person_id 0) have session_no 0 and journey_no 0.
-- In place of `hot columns` stand those that `parcours columns` has made.
CREATE OR REPLACE VIEW touchpoints_resolved AS
WITH
    described AS
    (
        SELECT
            *,
            (project, name) AS own_kind,
            if(dictHas('parcours.kind_of', own_kind), own_kind, ('', name)) AS kind,
            dictGet('parcours.kind_of', ('stage', 'need', 'valence', 'conversion'), kind) AS meaning,
            multiIf(
                channel IN ('web', 'search', 'social', 'ads'), 'web',
                channel IN ('email', 'sms', 'push', 'mail'), 'message',
                channel
            ) AS channel_family
        FROM parcours.touchpoints_unique
    ),
    spaced AS
    (
        SELECT
            *,
            meaning.4 = 1 AS is_conversion,
            count() OVER family_before = 1 AS first_in_family,
            count() OVER person_before = 1 AS first_in_person,
            occurred_at - lagInFrame(occurred_at) OVER family_before AS seconds_in_family,
            occurred_at - lagInFrame(occurred_at) OVER person_before AS seconds_in_person,
            lagInFrame(is_conversion) OVER person_before AS after_conversion,
            first_in_family OR seconds_in_family > dictGet('parcours.project_settings', 'session_gap_seconds', project) AS starts_session,
            first_in_person OR after_conversion OR seconds_in_person > dictGet('parcours.project_settings', 'journey_gap_seconds', project) AS starts_journey
        FROM described
        WINDOW
            family_before AS (PARTITION BY project, person_id, channel_family ORDER BY occurred_at, id_order ROWS BETWEEN 1 PRECEDING AND CURRENT ROW),
            person_before AS (PARTITION BY project, person_id ORDER BY occurred_at, id_order ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
    ),
    numbered AS
    (
        SELECT
            *,
            sum(starts_session) OVER person_so_far AS sessions_so_far,
            sum(starts_journey) OVER person_so_far AS journeys_so_far
        FROM spaced
        WINDOW person_so_far AS (PARTITION BY project, person_id ORDER BY occurred_at, id_order ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
SELECT
    project,
    id,
    name,
    schema_version,
    channel,
    source,
    occurred_at,
    client_occurred_at,
    sent_at,
    received_at,
    ids,
    placeholders,
    context,
    properties,
    consent,
    enrichment,
    revenue,
    currency,
    /* hot columns */
    person_id,
    meaning.1 AS stage,
    meaning.2 AS need,
    meaning.3 AS valence,
    is_conversion,
    channel_family,
    if(person_id = 0, 0, max(if(starts_session, sessions_so_far, 0)) OVER family_so_far) AS session_no,
    if(person_id = 0, 0, journeys_so_far) AS journey_no
FROM numbered
WINDOW family_so_far AS (PARTITION BY project, person_id, channel_family ORDER BY occurred_at, id_order ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
