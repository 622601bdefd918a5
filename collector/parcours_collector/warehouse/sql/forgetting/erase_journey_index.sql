ALTER TABLE parcours.journey_index DELETE WHERE project = {project:String} AND has({walks:Array(UInt64)}, identifier) SETTINGS mutations_sync = 2
