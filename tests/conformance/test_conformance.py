"""Every case that stands beside the repository is answered as it states, or differs as declared."""

from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from tests.conformance.asking import ask, can_answer
from tests.conformance.case import Case, Event, read_cases
from tests.conformance.differences import DIFFERENCES
from tests.conformance.verdict import judge
from tests.conformance.world import LABEL, World

_CASES = Path(__file__).resolve().parents[3] / "shared" / "conformance"
_MOST_DIFFERENCES = 4


def _all_cases() -> list[Case]:
    return [case for file in sorted(_CASES.glob("*.json")) for case in read_cases(file) if can_answer(case.kind)]


@pytest.mark.skipif(not _CASES.is_dir(), reason="needs the folder `shared` beside the repository")
@pytest.mark.parametrize("case", _all_cases(), ids=lambda case: case.id)
def test_a_case_is_answered_as_it_states(
    case: Case, clickhouse_url: str, clickhouse: Client, project: str, tmp_path: Path
) -> None:
    verdict = ask(World(clickhouse_url, clickhouse, tmp_path, project), case)
    assert verdict.passed or verdict.difference, str(verdict)


def test_few_cases_differ_on_purpose() -> None:
    assert len(DIFFERENCES) <= _MOST_DIFFERENCES
    assert all(reason.strip() for reason in DIFFERENCES.values())


def test_an_event_of_any_name_arrives_under_its_label(
    clickhouse_url: str, clickhouse: Client, project: str, tmp_path: Path
) -> None:
    world = World(clickhouse_url, clickhouse, tmp_path, project)
    ids = world.send(
        [
            Event("/about/", 0, {"user_id": ["p"]}, {"b": "x"}),
            Event("signup", 0, {"id": ["p", "q"]}, {}),
            Event("signup", -5, {"user_id": ["p"]}, {}),
        ]
    )
    rows = clickhouse.query(
        "SELECT toString(id), name, JSONExtractString(properties, {label:String}) FROM parcours.touchpoints_unique "
        "WHERE project = {project:String} ORDER BY occurred_at, id_order",
        parameters={"project": project, "label": LABEL},
    ).result_rows
    assert [(name, label) for _, name, label in rows] == [
        ("signup", "signup"),
        (world.name_of("/about/"), "/about/"),
        ("signup", "signup"),
    ]
    assert [id_ for id_, _, _ in rows] == [ids[2], ids[0], ids[1]]
    assert world.label_of(world.name_of("/about/")) == "/about/"
    assert sorted(world.person_names.values()) == ["p", "p"]


def test_only_what_a_case_states_is_compared() -> None:
    assert judge("x", {"a": [1, None], "b": None}, {"a": [1, 7], "b": 3, "c": 4}, frozenset()).passed
    assert judge("x", {"a": [[1, 2], [3]]}, {"a": [[3], [1, 2]]}, frozenset({"a"})).passed
    assert not judge("x", {"a": [1, 2]}, {"a": [2, 1]}, frozenset()).passed
    assert not judge("x", {"a": 1}, {}, frozenset()).passed
    assert not judge("x", {"a": True}, {"a": False}, frozenset()).passed
    assert not judge("x", {"a": {"p": 2}}, {"a": {}}, frozenset()).passed
