"""The first wall: what a request may ask of the engine, judged on the engine's own parse of the very text it would run.

Allow-lists only: statement kinds, functions, table functions, engines, dictionary sources, formats; settings that could
name a file, a host or another parser are refused, and so is anything not understood. `access` is the second wall.
"""

from parcours_collector.warehouse.embedded.guard.guard import Guard
from parcours_collector.warehouse.embedded.guard.statement import Role, Statement

__all__ = ["Guard", "Role", "Statement"]
