-- Every touchpoint of the walks in which one of these identifiers' touchpoints stands. One row a touchpoint.
SELECT DISTINCT
    project,
    identifier,
    id,
    received_at
FROM parcours.touchpoints
WHERE project = {project:String}
  AND identifier IN
      (
          SELECT identifier
          FROM parcours.touchpoints
          WHERE project = {project:String}
            AND identifier != 0
            AND hasAny(identifiers, {identifiers:Array(UInt64)})
      )
