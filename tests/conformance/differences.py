"""The cases that Parcours answers otherwise on purpose, each with the reason. At most four."""

DIFFERENCES: dict[str, str] = {}
