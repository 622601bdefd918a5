"""The proof on real data: six months of a store's clickstream, through the collector, into the engine, twice."""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.questions import funnel
from parcours_collector.importing.identity import content_key, event_id
from parcours_collector.warehouse.stitching import stitch

from .importing_rig import ECOM, count, environment_of, run, wait_for_rows
from .running import CollectorProcess, add_source

STEPS = ["product_view", "add_to_cart", "shipping_details", "payment_details", "purchase"]
WINDOW = timedelta(days=7)
Visit = tuple[datetime, str]


@pytest.fixture
def ecom(shared_folder: Path) -> Path:
    return shared_folder / "data" / "ecom.csv.gz"


def rows_of(file: Path) -> Iterator[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


def furthest_step(visits: list[Visit]) -> int:
    """How many steps one user did in order within the window of some occurrence of the first, tried one by one.

    Of each attempt the earliest next step is taken: taking a later one can never lead further.
    """
    furthest = 0
    for start, (began_at, name) in enumerate(visits):
        if name != STEPS[0]:
            continue
        reached = 1
        for at, next_name in visits[start + 1 :]:
            if at - began_at > WINDOW or reached == len(STEPS):
                break
            if next_name == STEPS[reached]:
                reached += 1
        furthest = max(furthest, reached)
    return furthest


def people_a_step(walks: Iterable[list[Visit]]) -> list[int]:
    reached = Counter(furthest_step(walk) for walk in walks)
    return [sum(people for step, people in reached.items() if step >= k + 1) for k in range(len(STEPS))]


def expected_funnel(file: Path) -> list[int]:
    """From the file alone; events of one second follow in the order of their ids, as the funnel's definition says."""
    visits: dict[str, list[tuple[datetime, str, str]]] = defaultdict(list)
    before: Counter[bytes] = Counter()
    for row in rows_of(file):
        at = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC)
        key = content_key(row)
        visits[row["user_id"]].append((at, event_id("ecom", key, before[key], at), row["event"]))
        before[key] += 1
    return people_a_step([(at, name) for at, _, name in sorted(walk)] for walk in visits.values())


def bounds_of_the_funnel(file: Path) -> tuple[list[int], list[int]]:
    """The least and the most that any order of the events of one second could give."""
    visits: dict[str, list[Visit]] = defaultdict(list)
    for row in rows_of(file):
        visits[row["user_id"]].append((datetime.fromisoformat(row["timestamp"]), row["event"]))
    order = {name: number for number, name in enumerate(STEPS)}

    def with_ties(sign: int) -> list[int]:
        return people_a_step(
            sorted(walk, key=lambda visit: (visit[0], sign * order.get(visit[1], 0))) for walk in visits.values()
        )

    return with_ties(-1), with_ties(1)


def stored(clickhouse: Client, project: str) -> Counter[str]:
    rows = clickhouse.query(
        "SELECT toString(name), count() FROM touchpoints_resolved WHERE project = {project:String} GROUP BY name",
        parameters={"project": project},
    ).result_rows
    return Counter(dict(rows))


def test_the_whole_file_twice_gives_its_counts_once_and_its_funnel(
    ecom: Path, tmp_path: Path, clickhouse: Client, clickhouse_url: str, project: str
) -> None:
    wanted = Counter(row["event"] for row in rows_of(ecom))
    sender = add_source(tmp_path, "ecom", project)
    plan = {"PARCOURS_PLAN": str(ECOM / "plan"), "PARCOURS_HTTP__DUPLICATE_WINDOW_EVENTS": "1000"}
    with CollectorProcess(tmp_path, clickhouse_url, environment=plan) as collector:
        environment = environment_of(collector, sender)
        arguments = ["import", str(ecom), "--map", str(ECOM / "import.toml"), "--data", str(tmp_path)]
        for _ in range(2):
            status, out, err = run(arguments, environment)
            assert status == 0, out + err
            assert "31,106" in out
            wait_for_rows(clickhouse, project, wanted.total())
            assert stored(clickhouse, project) == wanted
        assert collector.stop() == 0  # what is in the log is delivered before it ends
    assert stored(clickhouse, project) == wanted
    stitch(clickhouse)
    assert count(clickhouse, project, "uniqExact(person_id)") == 600
    assert count(clickhouse, project, "uniqExact(ids['session_id'])") == 3_605

    found = [step.people for step in funnel(clickhouse, STEPS, 604_800, project=project)]
    assert found == expected_funnel(ecom)
    least, most = bounds_of_the_funnel(ecom)
    assert all(low <= people <= high <= low + 1 for low, people, high in zip(least, found, most, strict=True))
