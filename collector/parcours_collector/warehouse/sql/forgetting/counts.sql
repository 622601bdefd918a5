-- What is held of these identifiers. One row: touchpoints, dead letters, edges, identifiers, cuts, moves, owners.
-- Touchpoints: those that carry one of them, and those that stitching has given to one.
SELECT
    (SELECT count() FROM parcours.touchpoints WHERE project = {project:String} AND (hasAny(identifiers, {identifiers:Array(UInt64)}) OR (project, id) IN (SELECT project, id FROM parcours.touchpoint_owners FINAL WHERE project = {project:String} AND has({identifiers:Array(UInt64)}, identifier)))) AS touchpoints,
    (SELECT count() FROM parcours.dead_letters WHERE project = {project:String} AND match(concat(payload, '\n', event_id, '\n', event_name, '\n', path, '\n', detail), {naming:String})) AS dead_letters,
    (SELECT count() FROM parcours.identity_edges WHERE project = {project:String} AND (has({identifiers:Array(UInt64)}, a) OR has({identifiers:Array(UInt64)}, b))) AS identity_edges,
    (SELECT count() FROM parcours.identity_persons WHERE project = {project:String} AND has({identifiers:Array(UInt64)}, identifier)) AS identity_persons,
    (SELECT count() FROM parcours.identity_cuts WHERE project = {project:String} AND (has({identifiers:Array(UInt64)}, a) OR has({identifiers:Array(UInt64)}, b))) AS identity_cuts,
    (SELECT count() FROM parcours.identity_moves WHERE project = {project:String} AND has({identifiers:Array(UInt64)}, identifier)) AS identity_moves,
    (SELECT count() FROM parcours.touchpoint_owners WHERE project = {project:String} AND has({identifiers:Array(UInt64)}, identifier)) AS touchpoint_owners
