"""The generated module as a whole: its header, its imports, and the classes of its documents by name."""

import hashlib
from collections.abc import Iterator, Mapping

from parcours_schemas.codegen.classes import DocumentClasses
from parcours_schemas.codegen.expression import INDENT, literal
from parcours_schemas.codegen.naming import IMPORTED, ClassNames
from parcours_schemas.errors import InvalidPlan
from parcours_schemas.plan import TrackingPlan, read_document
from parcours_schemas.version import __version__

FIRST_LINE = '"""Touchpoints of a tracking plan, one class each: generated, so change the plan instead.'
"""Every generated module begins with it."""


def generate(documents: Mapping[str, bytes]) -> str:
    """The module of a plan's documents; equal documents give equal text, whatever their order.

    Args:
        documents: file name to content, JSON in UTF-8.

    Raises:
        InvalidPlan: a document cannot be used, or has properties that no field can hold; the message names the file.
        MissingExtra: the library of the `plans` extra is not installed.
    """
    if not documents:
        raise InvalidPlan("the plan", "it has no .json file: give the folder of your JSON Schema files")
    plan = TrackingPlan.from_documents(documents)
    read = {filename: read_document(filename, content) for filename, content in sorted(documents.items())}
    names = ClassNames()
    class_of = {name: names.new(*name.split("_")) for name in sorted(plan.names)}
    written = [
        DocumentClasses(filename, schema, declaration, class_of[declaration.name], names)
        for filename, (schema, declaration) in sorted(read.items(), key=lambda item: item[1][1].name)
    ]
    used = {name for one in written for name in one.used}
    blocks = [block for one in written for block in one.blocks]
    exported = "\n".join(f"{INDENT}{literal(name)}," for name in sorted(class_of.values()))
    lines = [*_header(documents), "", *_imports(used), "", f"__all__ = [\n{exported}\n]"]
    return "\n".join(lines) + "\n\n\n" + "\n\n\n".join(blocks) + "\n"


def _header(documents: Mapping[str, bytes]) -> Iterator[str]:
    yield FIRST_LINE
    yield ""
    yield f"By Parcours {__version__}, from the files below. Again, after a change of them:"
    yield ""
    yield "    parcours schemas codegen PLAN_DIR --out THIS_FILE"
    yield '"""'
    yield ""
    for filename, content in sorted(documents.items()):
        shown = filename if filename.isprintable() else ascii(filename)
        yield f"# sha256 {hashlib.sha256(content).hexdigest()}  {shown}"
    yield "# ruff: noqa - names and texts are the plan's"


def _imports(used: set[str]) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for name in sorted(used & IMPORTED.keys()):
        found.setdefault(IMPORTED[name], []).append(name)
    standard = [module for module in found if module in {"typing", "uuid"}]
    for group in (sorted(standard), sorted(found.keys() - standard)):
        yield from (f"from {module} import {', '.join(found[module])}" for module in group)
        if group and group == sorted(standard):
            yield ""
