"""A question reads the columns that its rules look at and no others: on much, each further one costs."""

from collections.abc import Callable, Iterator, Set
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from parcours_collector.atlas import questions
from parcours_collector.atlas.answer import Answer
from parcours_collector.atlas.funnels import Exclusion, Rules, Step, Where, funnel_by_rules
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.index_waiting import state_at_rest
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.migrations import migrate
from tests.touchpoint_rows import row, store_rows, touch

PROJECT = "columns-read"
STEPS = ["page_viewed", "order_completed"]
TOUCHPOINTS = 16_384
_OF_WALKS = (
    "SELECT sum(ignore(project, is_alone, {columns})) FROM journey_index FINAL WHERE is_alone AND notEmpty(times)"
)
_OF_TOUCHPOINTS = "SELECT sum(ignore(person_id, {columns})) FROM touchpoints_unique WHERE project = 'columns-read'"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """An engine of this module's own: what else it read would be counted."""
    with EngineProcess.start(tmp_path_factory.mktemp("columns")) as engine:
        migrate(engine.url)
        with connect(engine.url) as client:
            touches = [touch(STEPS[n % 2], n // 64, anonymous_id=f"device-{n % 64}") for n in range(TOUCHPOINTS)]
            store_rows(client, [row(one, project=PROJECT) for one in touches])
            JourneyIndex(client, linger_seconds=0).refresh()
            yield client


def by(rules: Rules, *steps: str | Step) -> Callable[[Client], Answer[Any]]:
    return lambda client: funnel_by_rules(client, list(steps) or STEPS, rules, project=PROJECT, allow_unknown=True)


WALKED = {"times", "name_numbers"}
LOOKED = {"name", "occurred_at", "id_order"}


@pytest.mark.parametrize(
    ("ask", "table", "columns"),
    [
        pytest.param(
            lambda client: questions.funnel(client, STEPS, 60, project=PROJECT), _OF_WALKS, WALKED, id="funnel"
        ),
        pytest.param(
            lambda client: questions.transitions(client, project=PROJECT), _OF_WALKS, WALKED, id="transitions"
        ),
        pytest.param(by(Rules()), _OF_WALKS, WALKED, id="plain rules"),
        pytest.param(by(Rules(preset="posthog")), _OF_WALKS, WALKED, id="ties"),
        pytest.param(by(Rules(exclusions=[Exclusion(names=["ticket_opened"])])), _OF_WALKS, WALKED, id="an exclusion"),
        pytest.param(
            by(Rules(where=[Where.is_("channel", "web")])), _OF_WALKS, WALKED | {"channel_numbers"}, id="a channel"
        ),
        pytest.param(
            by(Rules(where=[Where.is_("properties.product_id", "tv-55")])),
            _OF_TOUCHPOINTS,
            LOOKED | {"properties"},
            id="a property",
        ),
        pytest.param(
            by(Rules(breakdown="source", breakdown_by="first_touch")),
            _OF_TOUCHPOINTS,
            LOOKED | {"source"},
            id="a breakdown",
        ),
    ],
)
def test_a_question_reads_no_column_that_its_rules_do_not_look_at(
    ask: Callable[[Client], Answer[Any]], table: str, columns: Set[str], shop: Client
) -> None:
    ask(shop)  # what the rules mean, and what the index is in, is remembered
    beside = bytes_read(shop, lambda: state_at_rest(shop))
    asked = bytes_read(shop, lambda: ask(shop)) - beside
    wanted = bytes_read(shop, lambda: shop.query(table.format(columns=", ".join(sorted(columns)))))
    wanted -= bytes_read(shop, lambda: None)
    # The smallest column that a walk has takes a byte of each touchpoint.
    assert wanted <= asked + TOUCHPOINTS // 2
    assert asked < wanted + TOUCHPOINTS // 2


def bytes_read(client: Client, ask: Callable[[], object]) -> int:
    """Return how much was read from tables, uncompressed."""

    def so_far() -> int:
        ((read,),) = client.query("SELECT sum(value) FROM system.events WHERE event = 'SelectedBytes'").result_rows
        return int(read)

    before = so_far()
    ask()
    return so_far() - before
