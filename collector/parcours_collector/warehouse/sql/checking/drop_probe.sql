DROP TABLE IF EXISTS parcours.{probe:Identifier} SYNC
