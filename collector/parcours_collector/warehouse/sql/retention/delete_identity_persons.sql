-- Identifiers that no touchpoint carries any more.
ALTER TABLE identity_persons DELETE WHERE project = {project:String} AND identifier NOT IN (SELECT arrayJoin(identifiers) FROM parcours.touchpoints WHERE project = {project:String}) SETTINGS mutations_sync = 2
