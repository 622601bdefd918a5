"""parcours_schemas."""
