ALTER TABLE parcours.identity_cuts DELETE WHERE project = {project:String} AND (has({identifiers:Array(UInt64)}, a) OR has({identifiers:Array(UInt64)}, b)) SETTINGS mutations_sync = 2
