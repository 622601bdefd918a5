ALTER TABLE parcours.touchpoints DELETE WHERE project = {project:String} AND hasAny(identifiers, {identifiers:Array(UInt64)}) SETTINGS mutations_sync = 2
