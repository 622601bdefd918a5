ALTER TABLE identity_cuts DELETE WHERE project = {project:String} AND a NOT IN (SELECT identifier FROM parcours.identity_persons WHERE project = {project:String}) SETTINGS mutations_sync = 2
