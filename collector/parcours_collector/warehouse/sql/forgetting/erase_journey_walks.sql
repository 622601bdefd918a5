ALTER TABLE parcours.journey_walks DELETE WHERE project = {project:String} AND hasAny({walks:Array(UInt64)}, members) SETTINGS mutations_sync = 2
