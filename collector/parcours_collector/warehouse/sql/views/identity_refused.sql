-- The evidence that did not join: two identifiers that one touchpoint carried and that are not one person, as of the last stitching.
-- Grain: one row an edge (project, a, b). Counted too: evidence that no stitching has heard yet.
CREATE OR REPLACE VIEW identity_refused AS
SELECT
    project,
    a,
    b,
    any(edges.a_kind) AS a_kind,
    any(edges.a_value) AS a_value,
    any(edges.b_kind) AS b_kind,
    any(edges.b_value) AS b_value,
    min(edges.first_seen_at) AS first_seen_at,
    max(edges.last_seen_at) AS last_seen_at,
    sum(edges.touchpoints) AS touchpoints,
    arraySort(arrayDistinct(arrayFlatten(groupArray(edges.sources)))) AS sources,
    dictGetOrDefault('parcours.person_of', 'person_id', a, a) AS a_person_id,
    dictGetOrDefault('parcours.person_of', 'person_id', b, b) AS b_person_id
FROM parcours.identity_edges AS edges
WHERE dictGetOrDefault('parcours.person_of', 'person_id', a, a) != dictGetOrDefault('parcours.person_of', 'person_id', b, b)
GROUP BY project, a, b
