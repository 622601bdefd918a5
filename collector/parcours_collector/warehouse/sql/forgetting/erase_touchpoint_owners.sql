ALTER TABLE parcours.touchpoint_owners DELETE WHERE project = {project:String} AND (has({identifiers:Array(UInt64)}, identifier) OR has({owned:Array(UUID)}, id)) SETTINGS mutations_sync = 2
