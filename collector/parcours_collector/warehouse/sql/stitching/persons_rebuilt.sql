-- Write the person of every identifier whose component says another one than the table (labels stand between identifiers; an identifier without an
-- edge is a person of its own).
INSERT INTO identity_persons (project, identifier, kind, value, person_id, version)
WITH
    labels AS
    (
        SELECT
            node,
            label
        FROM stitching_labels
        WHERE work = {work:UInt64}
          AND pass = {pass:UInt16}
    )
SELECT
    persons.project,
    persons.identifier,
    persons.kind,
    persons.value,
    if(labels.label = 0, persons.identifier, labels.label) AS component,
    {run:UInt64} AS version
FROM
(
    SELECT
        project,
        identifier,
        kind,
        value,
        person_id
    FROM identity_persons FINAL
    WHERE (empty({projects:Array(String)}) OR has({projects:Array(String)}, project))
      AND NOT has({without:Array(String)}, project)
) AS persons
LEFT JOIN labels ON labels.node = persons.identifier
WHERE persons.person_id != component
