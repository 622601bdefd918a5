ALTER TABLE dead_letters DELETE WHERE project = {project:String} AND received_at < {before_at:DateTime64(3, 'UTC')} SETTINGS mutations_sync = 2
