-- The identifiers that their project's policy lets join nobody because of their value.
-- Grain: one row an identifier (project, identifier). Not counted: placeholders, which the collector marks and which are no identifiers.
CREATE OR REPLACE VIEW identity_blocked AS
SELECT DISTINCT
    persons.project AS project,
    persons.identifier AS identifier,
    persons.kind AS kind,
    persons.value AS value
FROM
(
    SELECT DISTINCT
        project,
        identifier,
        kind,
        value
    FROM parcours.identity_persons
    WHERE project IN (SELECT project FROM parcours.identity_policy)
) AS persons
INNER JOIN
(
    SELECT
        project,
        kind,
        arrayMap(one -> substring(one, 2), arrayFilter(one -> startsWith(one, '='), blocked)) AS values,
        arrayFilter(one -> NOT startsWith(one, '='), blocked) AS patterns
    FROM parcours.identity_policy FINAL
) AS policy ON policy.project = persons.project
WHERE (policy.kind = persons.kind OR policy.kind = '*')
  AND (has(policy.values, persons.value) OR arrayExists(pattern -> match(persons.value, pattern), policy.patterns))
