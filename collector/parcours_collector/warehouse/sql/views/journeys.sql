-- The journeys of every person: touchpoints up to and including a conversion, or until a long silence.
-- Grain: one row a journey. Keys: project, person_id, journey_no.
-- outcome: converted (its last touchpoint is a conversion), lost (a silence longer than the project's journey_gap_seconds has followed), open (it may
--   still go on). A journey that follows another one of the same person is a re-entry (journey_no > 1).
-- path: the names in order, loops kept. channels: in order of first use.
-- revenue: what its touchpoints declare in the project's currency; revenue_by_currency has every currency; nothing is converted.
-- Not counted: touchpoints of nobody (person_id 0).
CREATE OR REPLACE VIEW journeys AS
WITH
    walked AS
    (
        SELECT
            project,
            person_id,
            journey_no,
            min(occurred_at) AS started_at,
            max(occurred_at) AS ended_at,
            max(is_conversion) AS converted,
            count() AS touchpoints,
            arraySort(step -> (step.1, step.2), groupArray((occurred_at, toUInt128(id), toString(name), toString(channel)))) AS steps,
            sumMap(if(revenue IS NULL, map(), map(toString(currency), assumeNotNull(revenue)))) AS revenue_by_currency
        FROM parcours.touchpoints_resolved
        WHERE person_id != 0
        GROUP BY
            project,
            person_id,
            journey_no
    )
SELECT
    project,
    person_id,
    journey_no,
    started_at,
    ended_at,
    multiIf(
        converted, 'converted',
        journey_no < max(journey_no) OVER (PARTITION BY project, person_id), 'lost',
        dateDiff('second', ended_at, now64(3, 'UTC')) > dictGet('parcours.project_settings', 'journey_gap_seconds', project), 'lost',
        'open'
    ) AS outcome,
    touchpoints,
    arrayDistinct(steps.4) AS channels,
    steps.3 AS path,
    revenue_by_currency[dictGet('parcours.project_settings', 'currency', project)] AS revenue,
    revenue_by_currency
FROM walked
