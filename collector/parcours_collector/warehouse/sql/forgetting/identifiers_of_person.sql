-- Every identifier of the person that one identifier belongs to, that one included. One row an identifier.
WITH
    (SELECT any(identifier) FROM parcours.identity_persons WHERE project = {project:String} AND kind = {kind:String} AND value = {value:String}) AS asked,
    dictGetOrDefault('parcours.person_of', 'person_id', asked, asked) AS person
SELECT DISTINCT
    identifier,
    kind,
    value
FROM parcours.identity_persons
WHERE project = {project:String}
  AND asked != 0
  AND dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier) = person
ORDER BY
    kind,
    value
