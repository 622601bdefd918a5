"""What is measured: declared once, bounded in its labels, and joined over workers so that no counter ever falls."""

import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours_collector.measures.board import MOST_SOURCES, OTHER, Board, Reading, bounded
from parcours_collector.measures.catalogue import MEASURES
from parcours_collector.measures.snapshot import (
    Key,
    as_rows,
    exposition,
    joined,
    labelled,
    lasting,
    of_rows,
    snapshot_of,
)
from parcours_collector.supervising.gathering import Gathering

_NAMES = st.sampled_from(sorted(MEASURES))
_NUMBERS = st.integers(0, 10**6).map(float)


@st.composite
def snapshots(draw: st.DrawFn) -> dict[Key, float]:
    keys = st.builds(lambda name, label: Key(name, name, (("source", label),)), _NAMES, st.sampled_from(["a", "b"]))
    return draw(st.dictionaries(keys, _NUMBERS, max_size=8))


@pytest.mark.parametrize("measure", MEASURES.values(), ids=list(MEASURES))
def test_a_metric_is_named_and_explained_as_prometheus_wants_it(measure) -> None:
    assert re.fullmatch(r"(parcours|process)_[a-z_]+", measure.name)
    assert measure.name.endswith("_total") == (measure.kind == "counter")
    assert measure.meaning.endswith(".")
    assert bool(measure.buckets) == (measure.kind == "histogram")
    assert set(measure.labels) <= {"source", "code", "reason", "status", "outcome", "version", "python"}, (
        "each of them has few values"
    )


def test_every_metric_is_shown_with_its_type_and_meaning_also_before_it_has_a_value() -> None:
    text = exposition({}).decode()
    for measure in MEASURES.values():
        assert f"# TYPE {measure.name} {measure.kind}\n" in text
        assert f"# HELP {measure.name} {measure.meaning}\n" in text


def test_a_process_measures_itself_and_says_which_version_it_is() -> None:
    text = exposition(snapshot_of(Board().families())).decode()
    assert float(re.search(r"^process_resident_memory_bytes (\S+)$", text, re.MULTILINE)[1]) > 1_000_000
    assert re.search(r'^parcours_build_info\{python="3\..*",version="\d.*"\} 1\.0$', text, re.MULTILINE)
    for name in ("process_cpu_seconds_total", "process_open_fds", "process_max_fds", "process_start_time_seconds"):
        assert re.search(rf"^{name} \S+$", text, re.MULTILINE)


def test_sources_beyond_the_most_are_counted_together_and_none_loses_its_name_later() -> None:
    counts = [((f"source-{number}", "accepted"), 1.0) for number in range(MOST_SOURCES + 50)]
    shown = dict(bounded(counts))
    assert len(shown) == MOST_SOURCES + 1
    assert shown[OTHER, "accepted"] == 50
    assert set(dict(bounded(counts[:MOST_SOURCES]))) <= set(shown)


def test_a_reading_of_an_undeclared_metric_is_a_fault_of_ours() -> None:
    board = Board()
    board.read(lambda: [Reading("parcours_unheard_of", 1.0)])
    with pytest.raises(KeyError):
        board.families()


@given(snapshots())
def test_a_snapshot_crosses_to_another_process_unchanged(snapshot: dict[Key, float]) -> None:
    assert of_rows(orjson.loads(orjson.dumps(as_rows(snapshot)))) == snapshot


@given(st.lists(snapshots(), max_size=4))
def test_workers_join_in_any_order_by_sum_or_by_the_most_telling_one(parts: list[dict[Key, float]]) -> None:
    whole = joined(parts)
    assert whole == joined(reversed(parts))
    for key, value in whole.items():
        held = [part[key] for part in parts if key in part]
        assert value == {"sum": sum, "max": max, "min": min}[MEASURES[key.metric].joined](held)


def counters(text: bytes) -> Iterator[tuple[str, float]]:
    kind = ""
    for line in text.decode().splitlines():
        if line.startswith("# TYPE"):
            kind = line.split()[-1]
        elif not line.startswith("#") and kind in {"counter", "histogram"}:
            series, _, value = line.rpartition(" ")
            yield series, float(value)


@given(st.lists(st.tuples(st.integers(0, 2), snapshots(), st.booleans()), max_size=8))
def test_no_counter_falls_while_workers_come_and_go(steps: list[tuple[int, dict[Key, float], bool]]) -> None:
    gathering = Gathering(Board())
    held: dict[int, dict[Key, float]] = {}
    seen: dict[str, float] = {}
    for worker, counted, ends in steps:
        before = held.get(worker, {})
        # A worker's own counters only grow.
        held[worker] = before | {key: before.get(key, 0) + value for key, value in counted.items()}
        if ends:
            gathering.retire(held.pop(worker))
        now = dict(counters(gathering.together(held.values())))
        fallen = {series for series, value in seen.items() if now.get(series, -1.0) < value}
        assert not fallen
        seen = now


def test_what_a_worker_had_counted_stays_and_what_it_was_at_does_not() -> None:
    held = {Key("parcours_wal_bytes", "parcours_wal_bytes", ()): 5.0,
            Key("parcours_delivered_rows_total", "parcours_delivered_rows_total", ()): 7.0}  # fmt: skip
    assert list(lasting(held).values()) == [7.0]
    (key,) = labelled(lasting(held), "worker", "0-12")
    assert key.labels == (("worker", "0-12"),)


def test_the_catalogue_names_what_the_rooms_read() -> None:
    """A name in the code that is not declared would only be found when it is scraped."""
    rooms = Path(__file__).resolve().parents[1] / "collector" / "parcours_collector"
    named = {
        name
        for file in rooms.rglob("*.py")
        for name in re.findall(
            r'(?:Reading|histogram|counter|_by_source)\(\s*"(parcours_\w+)"', file.read_text("utf-8")
        )
    }
    assert named | {"parcours_build_info"} == {name for name in MEASURES if name.startswith("parcours_")}
