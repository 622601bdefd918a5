-- Why a person is one person: the evidence between the identifiers of the person that an identifier belongs to, as of the last stitching.
-- Grain: one row an edge (project, a, b) with both ends in that person; evidence inside a person joined it or agrees with what did.
-- Parameters: kind and value of any identifier of the person (kind 'email_sha256' with the hashed value for an e-mail);
--   project: NULL = any project that knows this identifier.
-- a_class, b_class: what the project's policy says of the kinds (strong, medium or weak); empty = it has no rule for the kind.
-- Not counted: evidence that did not join (identity_refused), and what was cut (identity_cuts).
CREATE OR REPLACE VIEW identity_evidence AS
WITH
    (
        SELECT groupUniqArray(dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier))
        FROM parcours.identity_persons
        WHERE (project, identifier) IN
              (
                  SELECT project, sipHash64(project, {kind:String}, {value:String})
                  FROM (SELECT DISTINCT project FROM parcours.identity_persons)
                  WHERE {project:Nullable(String)} IS NULL OR project = {project:Nullable(String)}
              )
    ) AS known,
    members AS
    (
        SELECT DISTINCT
            project,
            identifier
        FROM parcours.identity_persons
        WHERE (person_id IN known OR identifier IN known)
          AND dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier) IN known
    ),
    rules AS
    (
        SELECT
            project,
            kind,
            toString(class) AS class
        FROM parcours.identity_policy FINAL
    ),
    evidence AS
    (
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
            arraySort(arrayDistinct(arrayFlatten(groupArray(edges.sources)))) AS sources
        FROM parcours.identity_edges AS edges
        WHERE (project, a) IN (SELECT project, identifier FROM members)
          AND (project, b) IN (SELECT project, identifier FROM members)
          AND (project, a, b) NOT IN (SELECT project, a, b FROM parcours.identity_cuts FINAL WHERE is_cut)
          AND (project, a) NOT IN (SELECT project, a FROM parcours.identity_cuts FINAL WHERE is_cut AND b = 0)
          AND (project, b) NOT IN (SELECT project, a FROM parcours.identity_cuts FINAL WHERE is_cut AND b = 0)
        GROUP BY project, a, b
    )
SELECT
    evidence.project AS project,
    evidence.a AS a,
    evidence.b AS b,
    evidence.a_kind AS a_kind,
    evidence.a_value AS a_value,
    evidence.b_kind AS b_kind,
    evidence.b_value AS b_value,
    evidence.first_seen_at AS first_seen_at,
    evidence.last_seen_at AS last_seen_at,
    evidence.touchpoints AS touchpoints,
    evidence.sources AS sources,
    of_a.class AS a_class,
    of_b.class AS b_class,
    dictGetOrDefault('parcours.person_of', 'person_id', evidence.a, evidence.a) AS person_id
FROM evidence
LEFT JOIN rules AS of_a ON of_a.project = evidence.project AND of_a.kind = evidence.a_kind
LEFT JOIN rules AS of_b ON of_b.project = evidence.project AND of_b.kind = evidence.b_kind
WHERE dictGetOrDefault('parcours.person_of', 'person_id', evidence.a, evidence.a) = dictGetOrDefault('parcours.person_of', 'person_id', evidence.b, evidence.b)
