-- Every touchpoint of the walks in which a touchpoint stands that carries one of these identifiers or was given to one, and of those that hold another copy of it: it is
-- theirs once this one is gone. One row a touchpoint.
WITH dictGetOrDefault('parcours.owner_of', 'identifier', cityHash64(project, id), identifier) AS owner
SELECT DISTINCT
    project,
    owner,
    id,
    received_at
FROM parcours.touchpoints
WHERE project = {project:String}
  AND owner IN
      (
          SELECT owner
          FROM parcours.touchpoints
          WHERE project = {project:String}
            AND identifier != 0
            AND id IN
                (
                    SELECT id
                    FROM parcours.touchpoints
                    WHERE project = {project:String}
                      AND (hasAny(identifiers, {identifiers:Array(UInt64)}) OR has({identifiers:Array(UInt64)}, owner))
                )
      )
