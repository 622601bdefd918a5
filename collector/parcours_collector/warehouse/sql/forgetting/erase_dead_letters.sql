-- By their ids: the text of a mutation is kept on the disk for a while, and must hold nothing of the person.
ALTER TABLE parcours.dead_letters DELETE WHERE project = {project:String} AND id IN {letters:Array(UUID)} SETTINGS mutations_sync = 2
