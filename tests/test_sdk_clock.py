"""Time that can be trusted: a wall clock set between call and sending, together with the collector's own step."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours import clock
from parcours.consent import ConsentGate
from parcours.contents import Untyped
from parcours.envelope import Circumstances, EnvelopeWriter
from parcours.outgoing import Outgoing
from parcours.testing import Fault, FaultyCollector
from parcours.transport import join_batch
from parcours_collector.intake.identifier_keys import IdentifierKeys
from parcours_collector.intake.steps import Circumstances as Around
from parcours_collector.intake.steps import correct_clock
from parcours_schemas.validation import Accepted, validate
from tests.sdk_support import FACES, Face, close, flush, quick

HOUR_NS = 3_600_000_000_000
NOW_NS = 1_795_000_000_000_000_000
TOLERANCE = timedelta(seconds=5)


class Machine:
    """A machine's two clocks: `passes` moves both, `is_set` moves the wall clock alone."""

    def __init__(self, wall_ns: int, steady_ns: int = 10 * HOUR_NS) -> None:
        self.wall_ns = wall_ns
        self.steady_ns = steady_ns

    def passes(self, nanoseconds: int) -> None:
        self.wall_ns += nanoseconds
        self.steady_ns += nanoseconds

    def is_set(self, nanoseconds: int) -> None:
        self.wall_ns += nanoseconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(time.time_ns())
    rule(made, monkeypatch)
    return made


def rule(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "wall_ns", lambda: machine.wall_ns)
    monkeypatch.setattr(clock, "steady_ns", lambda: machine.steady_ns)


def emit(occurred_at: datetime | None = None) -> Outgoing:
    around = Circumstances(occurred_at, None, None, None, None, {})
    written = EnvelopeWriter(None, None, ConsentGate(None)).write(Untyped("machine_seen"), None, around)
    assert isinstance(written, Outgoing)
    return written


def send(machine: Machine, *events: Outgoing) -> Any:
    return orjson.loads(join_batch(events, machine.wall_ns, machine.wall_ns - machine.steady_ns))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def at(nanoseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)


def stored(body: Any, received_at: datetime) -> datetime:
    """The time that the collector keeps."""
    accepted = validate(body["touchpoints"][0], plan=None, received_at=received_at, unknown_names="allow")
    assert isinstance(accepted, Accepted)
    row = {"occurred_at": accepted.occurred_at}
    around = Around(
        project="p",
        source="s",
        received_at=received_at,
        sent_at=instant(body["sent_at"]),
        may_hold_clear_identifiers=False,
        identifier_keys=IdentifierKeys((b"key",)),
        phone_region=None,
        clock_tolerance=TOLERANCE,
    )
    correct_clock(row, accepted, around)
    return row["occurred_at"]


@pytest.mark.parametrize("step_hours", [3, -3, 24 * 365 * 50])
def test_a_clock_set_between_call_and_sending_costs_the_time_less_than_a_second(
    machine: Machine, step_hours: int
) -> None:
    machine.is_set(-step_hours * HOUR_NS)
    event = emit()
    machine.passes(60 * 1_000_000_000)
    machine.is_set(step_hours * HOUR_NS)
    kept = stored(send(machine, event), at(machine.wall_ns))
    assert abs(kept - at(machine.wall_ns) + timedelta(seconds=60)) < timedelta(seconds=1)


def test_eight_hours_without_a_network_leave_every_byte_as_it_was(machine: Machine) -> None:
    events = []
    for _ in range(8):
        events.append(emit())
        machine.passes(HOUR_NS)
    body = join_batch(events, machine.wall_ns, machine.wall_ns - machine.steady_ns)
    assert all(event.wire in body for event in events)
    assert stored(orjson.loads(body), at(machine.wall_ns)) == at(machine.wall_ns - 8 * HOUR_NS)


def test_a_time_of_the_callers_own_is_never_moved(machine: Machine) -> None:
    own = datetime(2024, 2, 29, 12, tzinfo=UTC)
    event = emit(own)
    machine.is_set(3 * HOUR_NS)
    assert instant(send(machine, event)["touchpoints"][0]["occurred_at"]) == own


def test_what_was_kept_under_another_boot_keeps_its_time(machine: Machine) -> None:
    event = emit()._replace(clock_offset_ns=None)
    machine.is_set(3 * HOUR_NS)
    assert event.wire in join_batch([event], machine.wall_ns, machine.wall_ns - machine.steady_ns)


@given(
    error_at_call_s=st.integers(-6 * 86_400, 86_000),
    error_at_sending_s=st.integers(-6 * 86_400, 86_000),
    waited_ns=st.integers(0, 30 * 24 * HOUR_NS),
)
def test_whatever_the_clock_said_at_either_end_an_error_is_corrected_once(
    error_at_call_s: int, error_at_sending_s: int, waited_ns: int
) -> None:
    machine = Machine(NOW_NS + error_at_call_s * 1_000_000_000)
    with pytest.MonkeyPatch.context() as patch:
        rule(machine, patch)
        event = emit()
        machine.passes(waited_ns)
        machine.is_set((error_at_sending_s - error_at_call_s) * 1_000_000_000)
        body = send(machine, event)
    kept = stored(body, at(NOW_NS + waited_ns))
    assert abs(kept - at(NOW_NS)) <= TOLERANCE + timedelta(seconds=1)


@given(st.integers(0, 253_402_300_799_999_999_999 // 2))
def test_a_time_is_always_as_wide_and_reads_back(nanoseconds: int) -> None:
    text = clock.time_text(nanoseconds)
    assert len(text) == 27
    assert instant(text) == at(nanoseconds)


def test_a_step_beyond_the_calendar_leaves_the_time(machine: Machine) -> None:
    event = emit()
    assert clock.retimed(event.wire, 0, 10**21) is event.wire


@pytest.fixture
def collector() -> Iterator[FaultyCollector]:
    with FaultyCollector() as running:
        yield running


@pytest.mark.parametrize("face", FACES)
def test_each_attempt_says_when_it_was_made_and_moves_the_time_from_where_it_stood(
    machine: Machine, collector: FaultyCollector, face: type[Face]
) -> None:
    collector.always = Fault.ERROR
    tracker = quick(face, collector)
    event_id = tracker.track("machine_seen", user_id="u1")
    called_at = at(machine.wall_ns)
    assert collector.wait_for(lambda: len(collector.sent_at) > 2)
    machine.is_set(HOUR_NS)
    seen = len(collector.sent_at)
    assert collector.wait_for(lambda: len(collector.sent_at) > seen + 2)
    machine.is_set(2 * HOUR_NS)
    collector.always = None
    assert flush(tracker)
    close(tracker)
    assert event_id is not None
    assert instant(collector.touchpoints[event_id]["occurred_at"]) == called_at + timedelta(hours=3)
    said = {instant(text) for text in collector.sent_at}
    assert said == {called_at, called_at + timedelta(hours=1), called_at + timedelta(hours=3)}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux names its boot")
def test_another_process_of_this_boot_reads_the_same_offset() -> None:
    code = "from parcours import clock; print(clock.boot_id(), clock.wall_ns() - clock.steady_ns())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert other[0] == clock.boot_id()
    assert abs(int(other[1]) - (clock.wall_ns() - clock.steady_ns())) < 500_000_000


def test_a_machine_that_does_not_tell_its_boot_has_one_id_a_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clock, "_BOOT_ID_FILE", tmp_path / "absent")
    clock.boot_id.cache_clear()
    try:
        assert clock.boot_id() == clock.boot_id()
        assert len(clock.boot_id()) == 36
    finally:
        clock.boot_id.cache_clear()
