-- The touchpoints that stitching has given to one of these identifiers, by rank or by time slice. One row a touchpoint.
SELECT id FROM parcours.touchpoint_owners FINAL WHERE project = {project:String} AND has({identifiers:Array(UInt64)}, identifier)
