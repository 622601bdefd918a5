-- Move the identifiers of every merged person (labels stand between people). Whoever was ever said to be of such a person is looked for first,
-- so that only their rows are merged to tell what the last word is.
INSERT INTO identity_persons (project, identifier, kind, value, person_id, version)
WITH
    merged AS
    (
        SELECT
            node,
            label
        FROM stitching_labels
        WHERE work = {work:UInt64}
          AND pass = {pass:UInt16}
          AND node != label
    )
SELECT
    persons.project,
    persons.identifier,
    persons.kind,
    persons.value,
    merged.label AS person_id,
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
    PREWHERE identifier IN (SELECT identifier FROM identity_persons WHERE person_id IN (SELECT node FROM merged))
    WHERE person_id IN (SELECT node FROM merged)
) AS persons
INNER JOIN merged ON merged.node = persons.person_id
