-- Who was who at an earlier time: the person of every identifier as the last stitching before it had said.
-- Grain: one row an identifier that a stitching has moved by then (project, identifier); any other was a person of its own.
-- Parameters: at, an instant. May be left out: project.
-- Not counted: what stitchings said before Parcours kept it (identity_moves begins with the people of that day), and erased identifiers.
CREATE OR REPLACE VIEW identity_as_of AS
SELECT
    project,
    identifier,
    argMax(moves.person_id, moves.run) AS person_id,
    max(moves.run) AS run
FROM parcours.identity_moves AS moves
WHERE moves.run <= toUnixTimestamp64Micro({at:DateTime64(6, 'UTC')})
  AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
GROUP BY
    project,
    identifier
