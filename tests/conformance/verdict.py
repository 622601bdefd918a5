"""What came of a case: its answer beside what was expected."""

import math
from dataclasses import dataclass
from typing import Any

from tests.conformance.differences import DIFFERENCES


@dataclass(frozen=True)
class Verdict:
    """One case's outcome: `failures` says, key by key, what was expected and what was answered."""

    case_id: str
    failures: tuple[str, ...]

    @property
    def difference(self) -> str | None:
        """Why this case is answered otherwise on purpose."""
        return DIFFERENCES.get(self.case_id) if self.failures else None

    @property
    def passed(self) -> bool:
        """Whether everything that is stated came out."""
        return not self.failures

    def __str__(self) -> str:
        if self.passed:
            return f"{self.case_id:<8} passed"
        said = "declared difference: " + self.difference if self.difference else "FAILED"
        return "\n".join([f"{self.case_id:<8} {said}", *(f"         {failure}" for failure in self.failures)])


def judge(case_id: str, expected: dict[str, Any], answered: dict[str, Any], unordered: frozenset[str]) -> Verdict:
    """Compare the keys that `expected` has; None means not stated; `unordered` names the keys whose lists are sets."""
    return Verdict(
        case_id,
        tuple(
            f"{key}: expected {wanted!r}, answered {answered.get(key, 'nothing')!r}"
            for key, wanted in expected.items()
            if key not in answered or not _agree(wanted, answered[key], in_order=key not in unordered)
        ),
    )


def _agree(wanted: Any, answered: Any, *, in_order: bool) -> bool:
    match wanted:
        case None:
            return True
        case bool() | str():
            return bool(wanted == answered)
        case int() if isinstance(answered, str):
            return str(wanted) == answered  # somebody whom a case calls by a number
        case int() | float():
            return isinstance(answered, int | float) and math.isclose(wanted, answered, rel_tol=1e-6, abs_tol=1e-6)
        case list():
            if not isinstance(answered, list | tuple) or len(wanted) != len(answered):
                return False
            if in_order:
                return all(_agree(one, other, in_order=True) for one, other in zip(wanted, answered, strict=True))
            left = list(answered)
            for one in wanted:
                found = next((other for other in left if _agree(_as_set(one), _as_set(other), in_order=True)), None)
                if found is None:
                    return False
                left.remove(found)
            return True
        case dict():
            return isinstance(answered, dict) and all(
                key in answered and _agree(value, answered[key], in_order=in_order) for key, value in wanted.items()
            )
        case _:
            raise TypeError(f"a case states no {type(wanted).__name__}")


def _as_set(one: Any) -> Any:
    """A group of names, in no order of its own; anything else as it is."""
    return sorted(one) if isinstance(one, list | tuple) and all(isinstance(name, str) for name in one) else one
