ALTER TABLE parcours.touchpoints DELETE WHERE project = {project:String} AND (hasAny(identifiers, {identifiers:Array(UInt64)}) OR has({owned:Array(UUID)}, id)) SETTINGS mutations_sync = 2
