"""parcours."""
