-- For how long a project keeps what it recorded; 0 = for ever.
ALTER TABLE projects ADD COLUMN IF NOT EXISTS keep_days UInt32 DEFAULT 0 COMMENT 'what happened longer ago is deleted; 0 = nothing is';
