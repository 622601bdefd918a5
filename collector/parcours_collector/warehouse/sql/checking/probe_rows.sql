-- Rows as they lie there: without FINAL, which would hide what was stored twice.
SELECT count() FROM parcours.{probe:Identifier}
