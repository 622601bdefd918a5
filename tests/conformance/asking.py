"""Which module answers which kind of case.

A module for a kind has `answer(world, case)`, which loads the case through `World.send` and returns what Parcours says
under the keys that a case of its kind can expect, and `UNORDERED`, the keys whose lists are sets.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from tests.conformance.case import Case
from tests.conformance.verdict import Verdict, judge
from tests.conformance.world import World


def can_answer(kind: str) -> bool:
    """Whether there is a module for this kind."""
    return kind.isidentifier() and find_spec(f"tests.conformance.{kind}") is not None


def ask(world: World, case: Case) -> Verdict:
    """Load a case into a fresh world, ask, and compare. Whatever goes wrong is the case's failure."""
    if not can_answer(case.kind):
        return Verdict(case.id, (f"nothing answers cases of kind {case.kind!r} yet",))
    module: Any = import_module(f"tests.conformance.{case.kind}")
    try:
        answered = module.answer(world, case)
    except Exception as error:  # noqa: BLE001 - a case that breaks the run would hide the ones behind it
        return Verdict(case.id, (f"{type(error).__name__}: {error}",))
    return judge(case.id, case.expected, answered, module.UNORDERED)
