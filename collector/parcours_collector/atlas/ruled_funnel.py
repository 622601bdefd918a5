"""A funnel by rules: which way goes through its walks, and what its statement can do without."""

from collections.abc import Mapping, Sequence
from typing import Any

from parcours_collector.warehouse.texts import parts_of

_MOST_ASKED_ALIKE = 60
"""Steps, exclusions and the condition on everything: a bit each of a number of 64, which holds three marks besides."""
_MOST_LOOKED_AT = 16
"""The same where conditions look at more than names and channels: their bits are a number of 16."""
_MOST_TESTS, _MOST_FIELDS = 4, 3
"""Conditions and fields that `funnel_walks_looked` has room for."""
_OPERATORS = {
    "equals": {"=", "!="},
    "contains": {"contains"},
    "given": {"set", "unset"},
    "compares": {"<", "<=", ">", ">="},
}
"""What is left out of `funnel_walks_looked` where no condition has one of these."""
_UNLIMITED_MS = 1_000_000_000_000_000
"""What `funnel_asked` says of a step that may take any time."""


def needless_parts(
    question: str,
    r: Mapping[str, Any],
    asked: Mapping[str, Any],
    *,
    needs_ids: bool = False,
    reads_all: bool = False,
) -> tuple[str, ...]:
    """Return the parts that change nothing under these rules, also ways that have no row.

    Leaving them out spares the engine their analysis.

    Args:
        question: Whose parts.
        r: What `funnel_asked` makes of steps and rules.
        asked: The parameters besides: project, from_at and to_at.
        needs_ids: Whether the touchpoints that were the steps are told.
        reads_all: Whether every touchpoint is read where a condition looks at more than the index holds.
    """
    of_times = {"ties": not r["ties_any"], "resolution": r["resolution_ms"] == 1}
    of_walks = {
        "bounds": asked["from_at"] is None and asked["to_at"] is None,
        "breakdown": not r["breakdown_field"],
        "tests": not r["tests"],
        "by_channel": all(r["columns"][test["field"] - 1 :][:1] != ["channel"] for test in r["tests"]),
        "projects": asked["project"] is not None,
    }
    operators = {test["operator"] for test in r["tests"]}
    of_looking = {
        **{f"test_{k}": k > len(r["tests"]) for k in (1, 2, 3, 4)},
        **{f"field_{k}": k > len(_fields(r)) for k in (1, 2, 3)},
        **{part: operators.isdisjoint(found) for part, found in _OPERATORS.items()},
        "by_number": not r["compares_numbers"],
        "columns": not r["columns"],
        "deep": all(len(path) == 1 for path in (*r["in_properties"], *r["in_context"])),
    }
    if not r["is_stepped"]:
        of_fold = {
            "held": not r["held"],
            "split": r["breakdown_by"] in {"", "attempt"},
            "words": r["breakdown_by"] != "attempt",
            "again": not r["ties_any"] or r["any_order"],
            "flagged": not (r["barred"] or r["strict"]),
            "any_order": not r["any_order"],
            "in_order": r["any_order"],
            "optional": not r["has_optional"],
            "dropping": not r["drops_person"] or r["strict"],
        }
        looks_further = _looks_further(r)
        if "alike" in parts_of(question) and _are_told_alike(r) and not (looks_further and reads_all):
            few = {"few": not looks_further}
            parts = {**of_times, **of_fold, **of_walks, **of_looking, **few, "general": True, "stepped": True}
        else:
            parts = {**of_times, **of_fold, "stepped": True, "alike": True}
    else:
        looks_at_few = r["looks_at_few"] and not needs_ids and not reads_all
        goes_by_index = (r["reads_index"] and not needs_ids) or looks_at_few
        parts = {
            **of_times,
            **of_walks,
            **of_looking,
            "few": not looks_at_few,
            "general": True,
            "alike": True,
            "wide": True,
            "indexed": not goes_by_index,
            "looked": goes_by_index,
            "exclusions": not r["barred"],
            "spared": not (r["barred"] and r["ties_any"]),
            "drops": not (r["barred"] and r["drops_person"]),
            "within": min(r["withins_ms"]) >= _UNLIMITED_MS,
            "first": not r["only_first"],
            "shared": _is_told_apart(r["asked"][: r["step_count"]]),
            **{f"step_{k}": k > r["step_count"] for k in (3, 4, 5, 6)},
        }
    return tuple(part for part, is_needless in parts.items() if is_needless and part in parts_of(question))


def _are_told_alike(r: Mapping[str, Any]) -> bool:
    """Return whether walks that are alike under these rules come equally far, and conditions fit into their marks."""
    broken_down_by = r["columns"][r["breakdown_field"] - 1 :][:1] if r["breakdown_field"] else ["name"]
    return (
        not (r["held"] or r["interval"] or r["has_first_ever"])
        and r["subject_is"] == "person"
        and r["breakdown_by"] in {"", "first_touch", "last_touch"}
        and broken_down_by in (["name"], ["channel"])
        and len(r["asked"]) <= _MOST_ASKED_ALIKE
        and (not _looks_further(r) or _has_room(r))
    )


def _looks_further(r: Mapping[str, Any]) -> bool:
    """Return whether conditions look at fields of touchpoints that the journey index does not hold."""
    return bool(r["few"]) or r["few_is_all"]


def _has_room(r: Mapping[str, Any]) -> bool:
    """Return whether `funnel_walks_looked` can tell what each touchpoint is of all that is asked."""
    return len(r["asked"]) <= _MOST_LOOKED_AT and len(r["tests"]) <= _MOST_TESTS and len(_fields(r)) <= _MOST_FIELDS


def _fields(r: Mapping[str, Any]) -> list[Any]:
    """Return the fields that conditions and a breakdown look at, in the order of their numbers."""
    return [*r["columns"], *r["in_properties"], *r["in_context"]]


def _is_told_apart(steps: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether no touchpoint can be two of these steps, by their names."""
    names = [name for step in steps for name in set(step["names"])]
    return all(step["names"] for step in steps) and len(set(names)) == len(names)
