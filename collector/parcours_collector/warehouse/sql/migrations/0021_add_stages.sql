-- The stages of a project in their order; without any, those of the catalogue: awareness, consideration, purchase, use, loyalty, advocacy.
ALTER TABLE projects ADD COLUMN IF NOT EXISTS stages Array(String) DEFAULT [] COMMENT 'in the order in which people are meant to go through them';
