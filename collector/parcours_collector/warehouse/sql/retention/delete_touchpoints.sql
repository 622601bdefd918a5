ALTER TABLE touchpoints DELETE WHERE project = {project:String} AND occurred_at < {before_at:DateTime64(3, 'UTC')} SETTINGS mutations_sync = 2
