"""Typed classes from a tracking plan: one Python module, the same bytes for the same files.

What types can say becomes types; what they cannot is kept as the schema itself and checked when an object is made; a
property without a name of its own cannot be a field and is refused. Reads and writes no file.
"""

from parcours_schemas.codegen.module import FIRST_LINE, generate

__all__ = ["FIRST_LINE", "generate"]
