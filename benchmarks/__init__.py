"""Ratios within one run: what Parcours costs beside what one would use without it. See README.md here."""
