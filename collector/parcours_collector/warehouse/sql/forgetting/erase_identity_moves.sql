ALTER TABLE parcours.identity_moves DELETE WHERE project = {project:String} AND has({identifiers:Array(UInt64)}, identifier) SETTINGS mutations_sync = 2
