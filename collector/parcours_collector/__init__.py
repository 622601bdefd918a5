"""parcours_collector."""
