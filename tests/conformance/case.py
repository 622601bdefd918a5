"""A conformance case: events in, a query, the numbers that are expected."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Event:
    """One contact.

    Attributes:
        name: Its name, any text.
        at_seconds: When, from any origin.
        ids: Every kind with its values.
        properties: What it carries.
        is_of_person: Its one identifier is the case's word for a person, whatever it looks like.
    """

    name: str
    at_seconds: float
    ids: dict[str, list[str]]
    properties: dict[str, Any]
    is_of_person: bool = False


@dataclass(frozen=True)
class Case:
    """One case; `query` and `expected` are as its file has them."""

    id: str
    kind: str
    events: list[Event]
    query: dict[str, Any]
    expected: dict[str, Any]


def read_cases(file: Path) -> list[Case]:
    """Read a file of cases, in its order.

    Raises:
        TypeError: The file is not a JSON list of cases.
    """
    content = json.loads(file.read_text())
    if not isinstance(content, list):
        raise TypeError(f"{file}: a file of cases is one JSON list")
    return [
        Case(
            id=case["id"],
            kind=case["kind"],
            events=[_event(event) for event in case.get("events") or []],
            query=case["query"],
            expected=case["expected"],
        )
        for case in content
    ]


def _event(event: dict[str, Any]) -> Event:
    ids: dict[str, list[str]] = {}
    if "person" in event:
        ids["user_id"] = [str(event["person"])]
    for kind, value in (event.get("ids") or {}).items():
        ids.setdefault("id" if kind == "id2" else kind, []).append(str(value))
    return Event(event["name"], event["t"], ids, event.get("props") or {}, is_of_person="person" in event)
