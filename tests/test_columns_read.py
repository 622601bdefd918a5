"""A question reads the columns that its rules look at and no others: on much, each further one costs."""

import re
from collections import defaultdict
from collections.abc import Callable, Set
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from parcours_collector.atlas import questions
from parcours_collector.atlas.answer import Answer
from parcours_collector.atlas.funnels import Exclusion, Rules, Step, Where, funnel_by_rules
from tests.touchpoint_rows import row, store_rows, touch

PROJECT = "columns-read"
STEPS = ["page_viewed", "order_completed"]
_TABLE = re.compile(r"TABLE id: (?P<id>\d+),.* table_name: parcours\.(?P<table>\w+)")
_COLUMN = re.compile(r"COLUMN id: \d+, column_name: (?P<column>\w+),.* source_id: (?P<table_id>\d+)")


@pytest.fixture
def shop(clickhouse: Client) -> Client:
    store_rows(clickhouse, [row(touch(name, 0, anonymous_id="device"), project=PROJECT) for name in STEPS])
    return clickhouse


def by(rules: Rules, *steps: str | Step) -> Callable[[Client], Answer[Any]]:
    return lambda client: funnel_by_rules(client, list(steps) or STEPS, rules, project=PROJECT, allow_unknown=True)


WALKED = {"project", "times", "name_numbers"}


@pytest.mark.parametrize(
    ("ask", "of_walks", "of_touchpoints"),
    [
        pytest.param(lambda client: questions.funnel(client, STEPS, 60, project=PROJECT), WALKED, set(), id="funnel"),
        pytest.param(lambda client: questions.transitions(client, project=PROJECT), WALKED, set(), id="transitions"),
        pytest.param(by(Rules()), WALKED, set(), id="plain rules"),
        pytest.param(by(Rules(preset="posthog")), WALKED, set(), id="ties"),
        pytest.param(
            by(Rules(exclusions=[Exclusion(names=["ticket_opened"])])), WALKED, set(), id="an exclusion of a name"
        ),
        pytest.param(
            by(Rules(where=[Where.is_("channel", "web")])), WALKED | {"channel_numbers"}, set(), id="a channel"
        ),
        pytest.param(
            by(Rules(where=[Where.is_("properties.product_id", "tv-55")])),
            set(),
            {"project", "person_id", "name", "occurred_at", "id_order", "properties"},
            id="a property",
        ),
        pytest.param(
            by(Rules(breakdown="source", breakdown_by="first_touch")),
            set(),
            {"project", "person_id", "name", "occurred_at", "id_order", "source"},
            id="a breakdown",
        ),
    ],
)
def test_a_question_reads_no_column_that_its_rules_do_not_look_at(
    ask: Callable[[Client], Answer[Any]], of_walks: Set[str], of_touchpoints: Set[str], shop: Client
) -> None:
    answer = ask(shop)
    read = columns_read(shop, answer)
    assert read.get("walks_indexed", set()) - {"person_id", "sample_key"} == of_walks
    assert read.get("touchpoints_unique", set()) == of_touchpoints


def columns_read(client: Client, answer: Answer[Any]) -> dict[str, set[str]]:
    """What a question asks of each table and view, once the engine has left out what is settled beforehand."""
    told = client.query(f"EXPLAIN QUERY TREE {answer.sql}", parameters=dict(answer.parameters)).result_rows
    lines = [line for (line,) in told]
    tables = {found["id"]: found["table"] for found in map(_TABLE.search, lines) if found}
    read: dict[str, set[str]] = defaultdict(set)
    for found in filter(None, map(_COLUMN.search, lines)):
        if table := tables.get(found["table_id"]):
            read[table].add(found["column"])
    return read
