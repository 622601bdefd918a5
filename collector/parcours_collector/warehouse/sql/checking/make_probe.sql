-- A table like touchpoints, engine, keys and settings included, for one batch that is sent twice.
CREATE TABLE parcours.{probe:Identifier} AS parcours.touchpoints
