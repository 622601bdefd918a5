"""The benchmarks run: every one in its smallest form, against real processes. What they measure is not judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks import (
    collector_intake,
    collector_outage,
    collector_promise,
    delivery,
    funnel,
    journeys,
    sdk_emit,
    sdk_host,
    stitching,
)
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.rig.figure import Figure, Goal, Outcome, Size, Void
from benchmarks.rig.machine import installed
from benchmarks.rig.processes import cpu_seconds
from benchmarks.rig.rounds import alternate


def assert_measured(outcome: Outcome, *names: str) -> None:
    assert [figure.name for figure in outcome.figures] == list(names)
    for figure in outcome.figures:
        assert len(figure.ours) == len(figure.theirs) == 1
        assert all(value > 0 for value in (*figure.ours, *figure.theirs, figure.ratio))


def test_the_intake_is_measured_in_batches_and_singly() -> None:
    assert_measured(
        collector_intake.run(Size.SMOKE),
        "intake, 100 a request",
        "intake, 1 a request",
    )


def test_what_a_sender_and_an_analyst_wait_for_is_measured() -> None:
    assert_measured(
        collector_promise.run(Size.SMOKE),
        "request to 200, half load, p99",
        "200 to visible, p99",
        "all together, 2 cores",
    )


def test_an_outage_is_measured_in_memory_and_in_disk() -> None:
    assert_measured(collector_outage.run(Size.SMOKE), "idle collector, resident", "an hour's outage at 5,000/s, memory")


def test_delivery_is_measured_against_three_inserts_of_the_same_rows() -> None:
    assert_measured(delivery.run(Size.SMOKE), *["delivery, log to stored"] * 6)


def test_the_funnel_counts_what_window_funnel_counts_over_the_same_people() -> None:
    names = (
        "person timeline",
        *["stitched funnel, 4 steps"] * 4,
        *["transitions"] * 2,
        *["transitions while something waits"] * 2,
    )
    assert_measured(funnel.run(Size.SMOKE), *names)


def test_questions_of_journeys_are_measured_and_the_sample_holds_the_whole() -> None:
    names = (
        *["funnel by rules, 4 steps"] * 2,
        *["funnel, preset posthog"] * 2,
        *["preset posthog and an exclusion"] * 2,
        *["funnel on one channel"] * 2,
        *["funnel, any order"] * 2,
        *["funnel, strict order"] * 2,
        *["funnel, optional step"] * 2,
        *["funnel, attempts"] * 2,
        *["funnel by rules and a property"] * 4,
        *["funnel, a property of a step, plain"] * 2,
        *["funnel, a property of a step, any order"] * 2,
        *["funnel, a property of a step, strict order"] * 2,
        *["funnel, a property of a step, optional step"] * 2,
        *["funnel, a property of a step, attempts"] * 2,
        *["sampled funnel, 1 in 16"] * 2,
    )
    assert_measured(journeys.run(Size.SMOKE), *names, "black holes", "bright paths")


@pytest.mark.skipif(not installed("scipy"), reason="scipy is not installed: see benchmarks/requirements.txt")
def test_stitching_finds_as_many_people_as_scipy_finds_components() -> None:
    assert_measured(stitching.run(Size.SMOKE), "full rebuild of people")


def test_every_sdk_delivers_what_it_emits() -> None:
    peers = sum(map(installed, sdk_emit.PEERS.values()))
    if not peers:
        pytest.skip("no other SDK is installed: see benchmarks/requirements.txt")
    names = ("emit to delivery, CPU", "emit, the call alone, p50")
    assert_measured(
        sdk_emit.run(Size.SMOKE),
        *(one for name in names for one in (*[name] * peers, f"{name}, spool", f"{name}, batches of 500")),
    )


def test_a_host_is_measured_beside_a_dead_collector() -> None:
    kinds = ("refused", "no answer", "refused, spool")
    names = [f"lag {part}, {kind}" for kind in kinds for part in ("p99", "max", "max, second 1 on")]
    if installed("segment-analytics-python"):
        names += ["500 pending, traced", "500 pending, resident", "import parcours", "import Tracker, touchpoints"]
    assert_measured(sdk_host.run(Size.SMOKE), *names)


def test_a_goal_may_bind_our_side_alone() -> None:
    lag = Figure("a", "b", "ms", ours=[3.0, 4.0, 9.0], theirs=[1.0, 1.0, 1.0], goal=Goal(most=5.0, of_ours=True))
    assert lag.meets_goal
    assert not Figure("a", "b", "ms", ours=[6.0], theirs=[9.0], goal=Goal(most=5.0, of_ours=True)).meets_goal
    assert str(lag.goal) == "ours ≤ 5"


def test_a_ratio_is_taken_round_by_round() -> None:
    figure = Figure("a", "b", "s", ours=[1.0, 30.0, 2.0], theirs=[2.0, 20.0, 2.0], goal=Goal(most=1.0))
    assert figure.ratios == [0.5, 1.5, 1.0]
    assert figure.ratio == 1.0
    assert figure.as_json()["goal_met"] is True
    assert not Goal(least=1.1).is_met_by(figure.ratio)


def test_sides_take_turns_at_going_first() -> None:
    order: list[str] = []

    def side(name: str) -> str:
        order.append(name)
        return name

    given = alternate("x", 3, {"ours": lambda _: side("ours"), "theirs": lambda _: side("theirs")}, show=str)
    assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert given == {"ours": ["ours"] * 3, "theirs": ["theirs"] * 3}


def test_the_cpu_time_of_another_process_is_what_it_says_itself() -> None:
    spend = """
import sys, time
while time.process_time() < 0.3:
    pass
print(time.process_time(), flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", spend], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = float(process.stdout.readline())
        assert cpu_seconds(process.pid) == pytest.approx(said, abs=0.1)


def test_the_command_writes_a_table_and_every_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sdk_emit, "run", lambda _size: Outcome([Figure("f", "peer", "µs", [1.0], [4.0])], ["a note"]))
    main(["sdk_emit", "--smoke", "--json", str(tmp_path / "rounds.json")])
    printed = capsys.readouterr().out
    assert "sdk_emit: a note" in printed
    assert "0.250" in printed
    written = json.loads((tmp_path / "rounds.json").read_text())
    assert written["benchmarks"]["sdk_emit"]["figures"][0]["ratios"] == [0.25]
    assert "python" in written["machine"]


def test_a_void_benchmark_shows_why_and_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lose_events(_size: Size) -> Outcome:
        raise Void("100 emitted, 99 counted")

    monkeypatch.setattr(sdk_emit, "run", lose_events)
    with pytest.raises(SystemExit) as stopped:
        main(["sdk_emit", "--smoke", "--json", str(tmp_path / "rounds.json")])
    assert stopped.value.code == 1
    assert "sdk_emit: void: 100 emitted, 99 counted" in capsys.readouterr().out


def test_help_tells_what_each_benchmark_measures(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = capsys.readouterr().out
    for name in BENCHMARKS:
        assert name in printed
    assert "bare aiohttp handler" in printed


def test_an_unknown_name_is_refused_with_those_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["intake"])
    assert stopped.value.code == 2
    assert "collector_intake" in capsys.readouterr().err
