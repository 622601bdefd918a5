-- Of touchpoints that are not kept any more.
ALTER TABLE touchpoint_owners DELETE WHERE project = {project:String} AND id NOT IN (SELECT id FROM parcours.touchpoints WHERE project = {project:String}) SETTINGS mutations_sync = 2
