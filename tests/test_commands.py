"""The commands as an operator types them: what they print, the files they leave, and how they refuse."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from clickhouse_connect.driver.client import Client

from parcours import Tracker
from parcours_collector.atlas.network import stage_moves
from parcours_collector.commands.demonstration.stack import Stack
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.migrations import migrate
from parcours_collector.warehouse.stitching import stitch
from tests import touchpoint_rows
from tests.running import wait_until
from tests.touchpoint_rows import store, store_rows, touch


def parcours(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "parcours_collector", *map(str, arguments)],
        cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Path]]:
    """A running `parcours up`."""
    data = tmp_path_factory.mktemp("up")
    with Stack(data, port=0, clickhouse_port=0) as running:
        yield running, data


def test_up_writes_where_everything_is_for_its_owner_only(stack: tuple[Stack, Path]) -> None:
    running, data = stack
    file = data / "parcours.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    held = dict(line.split("=", 1) for line in file.read_text().splitlines())
    assert sorted(held) == ["PARCOURS_CLICKHOUSE_URL", "PARCOURS_ENDPOINT", "PARCOURS_WRITE_KEY"]
    with urllib.request.urlopen(f"{running.endpoint}/readyz", timeout=10) as answer:
        assert answer.status == 200


def test_a_second_up_on_the_same_folder_or_port_is_refused_in_one_line(
    stack: tuple[Stack, Path], tmp_path: Path
) -> None:
    running, data = stack
    folder = parcours("up", "--data", data, "--port", "0", "--clickhouse-port", "0", cwd=tmp_path)
    assert folder.returncode == 2
    assert "Traceback" not in folder.stderr
    assert "another folder" in folder.stderr
    assert (data / "parcours.env").exists(), "the first one's file stays"
    port = running.endpoint.rsplit(":", 1)[1]
    taken = parcours("up", "--data", tmp_path / "other", "--port", port, "--clickhouse-port", "0", cwd=tmp_path)
    assert taken.returncode == 2
    assert "Traceback" not in taken.stderr
    assert f"Port {port}" in taken.stderr
    assert "--port 0" in taken.stderr


def test_the_embedded_engines_port_in_use_is_said(stack: tuple[Stack, Path], tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        taken = parcours("up", "--data", tmp_path / "other", "--port", "0", "--clickhouse-port", port, cwd=tmp_path)
    assert taken.returncode == 2
    assert port in taken.stderr
    assert "Traceback" not in taken.stderr


def test_keys_are_made_listed_and_revoked_while_the_collector_runs(stack: tuple[Stack, Path], tmp_path: Path) -> None:
    running, data = stack
    made = parcours("keys", "create", "till-7", "--data", data, cwd=tmp_path)
    write_key = made.stdout.strip()
    assert post(running.endpoint, write_key) == 200
    assert "till-7" in parcours("keys", "list", "--data", data, cwd=tmp_path).stdout
    again = parcours("keys", "create", "till-7", "--data", data, cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert parcours("keys", "revoke", "till-7", "--data", data, cwd=tmp_path).returncode == 0
    assert post(running.endpoint, write_key) == 401
    assert parcours("keys", "revoke", "nobody", "--data", data, cwd=tmp_path).returncode == 2


def post(endpoint: str, write_key: str) -> int:
    request = urllib.request.Request(
        f"{endpoint}/v1/touchpoints",
        data=b"[]",
        headers={"Authorization": f"Bearer {write_key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_migrate_stitch_funnel_and_doctor_speak_to_a_running_clickhouse(
    stack: tuple[Stack, Path], tmp_path: Path
) -> None:
    running, data = stack
    url = {"PARCOURS_CLICKHOUSE_URL": running.clickhouse_url}
    assert "0 migrations applied" in parcours("migrate", cwd=tmp_path, **url).stdout
    assert "full:" in parcours("stitch", "--full", cwd=tmp_path, **url).stdout
    funnel = parcours("funnel", "product_viewed", "order_completed", "--weekly", cwd=tmp_path, **url)
    assert funnel.returncode == 0
    assert "1 product_viewed" in funnel.stdout
    assert "within 7.0 d" in funnel.stdout
    assert "100.0%" not in funnel.stdout, "of nobody there is no share"
    wrong = parcours("funnel", "product_viewd", cwd=tmp_path, **url)
    assert wrong.returncode == 2
    assert "Did you mean product_viewed" in wrong.stderr
    ruled = (
        "--preset",
        "mixpanel",
        "--rules",
        '{"breakdown": "channel", "exclusions": [{"name": "ticket_opened"}]}',
    )
    told = parcours("funnel", "product_viewed", "order_completed", *ruled, cwd=tmp_path, **url)
    assert "Funnel by rules" in told.stdout, told.stderr
    for rules, said in (
        ('{"breakdwon": "channel"}', "no rule breakdwon; near: breakdown"),
        ("{", "no JSON"),
        ('{"order": 1}', "no rule order; near"),
        ('{"step_order": "loose"}', "step_order is ordered, strict or any."),
        ('{"exclusions": [{"name": "tiket_opened"}]}', "Did you mean ticket_opened"),
        ('{"interval": "day", "timezone": "Mars"}', "There is no time zone Mars."),
    ):
        refused = parcours("funnel", "product_viewed", "order_completed", "--rules", rules, cwd=tmp_path, **url)
        assert refused.returncode == 2
        assert said in refused.stderr
    weekly = parcours("funnel", "product_viewed", "--weekly", "--preset", "mixpanel", cwd=tmp_path, **url)
    assert weekly.returncode == 2
    assert '--rules \'{"interval": "week"}\'' in weekly.stderr
    by_week = parcours("funnel", "product_viewed", "--rules", '{"interval": "week"}', cwd=tmp_path, **url)
    assert "within 7.0 d" in by_week.stdout, "as without rules"
    assert "week of" in by_week.stdout
    doctor = parcours("doctor", "--data", data, cwd=tmp_path, **url)
    assert doctor.returncode == 0
    assert "migrated" in doctor.stdout
    password = running.clickhouse_url.split(":")[2].split("@")[0]
    assert password not in doctor.stdout


def test_the_network_is_shown_and_a_project_says_what_a_journey_is(
    tmp_path: Path, clickhouse_url: str, clickhouse: Client, project: str
) -> None:
    url = {"PARCOURS_CLICKHOUSE_URL": clickhouse_url, "COLUMNS": "140"}
    touches = [
        touch(name, 60 * place, anonymous_id=f"a{person}")
        for person in range(12)
        for place, name in enumerate(("product_viewed", "product_added", "order_completed")[: 1 + person % 3])
    ]
    store(clickhouse, project, touches)
    stitch(clickhouse)
    told = parcours("network", "--project", project, "--value", cwd=tmp_path, **url)
    assert told.returncode == 0, told.stderr
    for shown in ("Strongest transitions", "12 journeys that are over, 33.3% converted", "Black holes", "★"):
        assert shown in told.stdout
    places = parcours("network", "--project", project, "--node", "place", cwd=tmp_path, **url)
    assert "Strongest transitions" in places.stdout
    changed = ("--changed", "product_viewed", "--at", "2026-06-01", "--next", "product_added")
    effect = parcours("network", "--project", project, *changed, cwd=tmp_path, **url)
    assert "product_viewed → product_added" in effect.stdout
    alone = parcours("network", "--project", project, "--changed", "product_viewed", cwd=tmp_path, **url)
    assert (alone.returncode, "--at" in alone.stderr) == (2, True)
    misspelt = ("--changed", "produkt_viewed", "--at", "2026-06-01")
    assert (
        "Did you mean product_viewed"
        in parcours("network", "--project", project, *misspelt, cwd=tmp_path, **url).stderr
    )
    assert "kind of node" in parcours("network", "--node", "nmae", cwd=tmp_path, **url).stderr
    nobody = parcours("network", "--project", f"{project}-none", cwd=tmp_path, **url)
    assert (nobody.returncode, "no journey that is over" in nobody.stderr) == (2, True)

    def journeys(*arguments: str) -> subprocess.CompletedProcess[str]:
        return parcours("journeys", *arguments, "--project", project, cwd=tmp_path, **url)

    assert "ends a journey as converted" in journeys("kind", "product_added", "--conversion", "--stage", "cart").stdout
    assert "75.0% converted" in parcours("network", "--project", project, cwd=tmp_path, **url).stdout
    assert "a journey after 14.0 d" in journeys("set", "--journey-gap-days", "14", "--stages", "look, cart").stdout
    shown = journeys("show").stdout
    assert "product_added *" in shown
    assert "look → cart" in shown
    assert "a session ends after 30.0 min" in shown, "what is not given stays"
    moves = stage_moves(clickhouse, project=project)
    assert {(move.from_stage, move.to_stage, move.direction, move.moves) for move in moves} == {
        ("consideration", "cart", "aside", 8), ("cart", "purchase", "aside", 4),
    }  # fmt: skip
    journeys("set", "--stages", "purchase, cart, consideration")
    assert {move.direction for move in stage_moves(clickhouse, project=project)} == {"backward"}
    journeys("kind", "product_added", "--remove")
    assert "33.3% converted" in parcours("network", "--project", project, cwd=tmp_path, **url).stdout
    for wrong, said in (
        (("kind", "product_aded"), "Did you mean product_added"),
        (("kind", "product_added", "--need", "fun"), "There is no 'fun'"),
        (("set", "--currency", "euro"), "no currency"),
        (("set", "--stages", "a,a"), "stands twice"),
        (("set", "--journey-gap-days", "60000"), "A gap is at most 49,710 days"),
        (("set", "--session-gap-minutes", "inf"), "A gap is at most 49,710 days"),
    ):
        refused = journeys(*wrong)
        assert refused.returncode == 2
        assert said in refused.stderr


def test_brackets_in_what_was_recorded_are_shown_and_never_obeyed(
    tmp_path: Path, clickhouse_url: str, clickhouse: Client, project: str
) -> None:
    told = {"name": "[/] [sale] tv :smile:", "shelf": "[/] [sale] tv :smile:"}
    rows = [
        touchpoint_rows.row(touch(name, at, user_id="a[b]", loyalty_card="[x]"), project) | {"properties": held}
        for at, (name, held) in enumerate((("product_viewed", told), ("order_completed", {})))
    ]
    store_rows(clickhouse, rows)
    stitch(clickhouse)

    def shown(*arguments: str) -> str:
        done = parcours(
            *arguments, "--project", project, cwd=tmp_path, PARCOURS_CLICKHOUSE_URL=clickhouse_url, COLUMNS="140"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert told["name"] in shown("person", "user_id", "a[b]")
    assert told["shelf"] in shown("network", "--node", "properties.shelf", "--min-journeys", "1")
    rules = '{"breakdown": "properties.shelf"}'
    assert told["shelf"] in shown("funnel", "product_viewed", "order_completed", "--rules", rules)
    shown("identity", "set", "user_id", "--block", "[/]", "--block", "^t[a-z]+$")
    assert "[/] ^t[a-z]+$" in shown("identity", "list")
    assert "cut" in shown("identity", "cut", "user_id=a[b]", "loyalty_card=[x]", "--because", "[wrong] card")
    cuts = shown("identity", "cuts")
    assert all(said in cuts for said in ("user_id=a[b]", "loyalty_card=[x]", "[wrong] card"))


def test_a_person_is_found_by_an_email_that_is_in_clear_nowhere(stack: tuple[Stack, Path], tmp_path: Path) -> None:
    running, data = stack
    held = dict(line.split("=", 1) for line in (data / "parcours.env").read_text().splitlines())
    with Tracker(running.endpoint, held["PARCOURS_WRITE_KEY"]) as tracker:
        tracker.track("store_visited", {"store_id": "lille"}, email="Zoe@Example.com", loyalty_card="card-9")
    command = [*(sys.executable, "-m", "parcours_collector", "person"), "email", "-", "--data", str(data)]

    def shown() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            input=" zoe@example.com\n",
            cwd=tmp_path,
            env={**os.environ, "PARCOURS_CLICKHOUSE_URL": running.clickhouse_url},
            capture_output=True,
            text=True,
            check=False,
        )

    wait_until(lambda: shown().returncode == 0, every_seconds=0.5)
    done = shown()
    assert "store_visited" in done.stdout
    assert "zoe" not in done.stdout.lower()
    nobody = parcours("person", "user_id", "nobody", cwd=tmp_path, PARCOURS_CLICKHOUSE_URL=running.clickhouse_url)
    assert nobody.returncode == 2
    assert "Nobody of the project 'default'" in nobody.stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["migrate"], "PARCOURS_CLICKHOUSE_URL is not set"),
        (["migrate", "--clickhouse-url", "ftp://x"], "not an http or https URL"),
        (["migrate", "--clickhouse-url", "http://127.0.0.1:1"], "does not answer at http://default@127.0.0.1:1"),
        (["collector"], "PARCOURS_CLICKHOUSE_URL is not set"),
        (["collector", "--plan", "nowhere", "--clickhouse-url", "http://127.0.0.1:1"], "nowhere is not a folder"),
    ],
)
def test_what_cannot_go_on_says_what_and_what_to_do_in_one_line(command: list[str], said: str, tmp_path: Path) -> None:
    done = parcours(*command, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_unknown_setting_is_refused_by_name(tmp_path: Path) -> None:
    done = parcours("doctor", cwd=tmp_path, PARCOURS_WAL_SEGMENT_BYTES="1")
    assert done.returncode == 2
    assert "PARCOURS_WAL__SEGMENT_BYTES" in done.stderr


def test_an_up_whose_starter_is_killed_ends_with_its_engine(tmp_path: Path) -> None:
    data = tmp_path / "data"
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from parcours_collector.commands.demonstration.stack import Stack\n"
        f"stack = Stack(Path({str(data)!r}), port=0, clickhouse_port=0)\n"
        "print(stack._process.pid, flush=True)\ntime.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    up = psutil.Process(int(starter.stdout.readline()))
    family = [up, *up.children(recursive=True)]
    assert len(family) == 2
    starter.kill()
    starter.wait()
    starter.stdout.close()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []


def test_ctrl_c_on_the_terminal_delivers_first_and_stops_the_engine_last(tmp_path: Path) -> None:
    data = tmp_path / "data"
    up = subprocess.Popen(
        [
            *(sys.executable, "-m", "parcours_collector", "up", "--data", str(data)),
            *("--port", "0", "--clickhouse-port", "0"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PARCOURS_DELIVERY__LINGER_SECONDS": "30"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert up.stdout is not None
    lines = [next(up.stdout) for _ in range(3)]
    held = dict(line.split("=", 1) for line in (data / "parcours.env").read_text().splitlines())
    with Tracker(lines[0].split()[-1], held["PARCOURS_WRITE_KEY"]) as tracker:
        tracker.track("page_viewed", anonymous_id="a1")
    os.killpg(up.pid, signal.SIGINT)
    _, errors = up.communicate(timeout=60)
    assert up.returncode == 0
    assert "collector_stopped" in errors
    assert "takes no rows" not in errors
    assert "undelivered. They" not in errors
    assert not (data / "parcours.env").exists()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_the_demo_tells_rogers_journey_and_ends(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    first = parcours("demo", "--people", "40", "--once", "--data", data, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    for said in (
        "Your slot today",
        "Televisions this week",
        "order_completed",
        "Strongest transitions",
        "Week by week",
    ):
        assert said in first.stdout
    rows = [line for line in first.stdout.splitlines() if "1.1 " in line or "2.5 " in line]
    assert rows, "Roger's touchpoints are numbered by journey and session"
    second = parcours("demo", "--people", "40", "--once", "--data", data, cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    count = [line for line in first.stdout.splitlines() if "touchpoints of" in line]
    assert count == [line for line in second.stdout.splitlines() if "touchpoints of" in line]


def test_the_demo_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    demo = subprocess.Popen(
        [sys.executable, "-m", "parcours_collector", "demo", "--people", "5", "--data", str(data)],
        cwd=tmp_path, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert demo.stdout is not None
    for line in demo.stdout:
        if line.startswith("Serving until Ctrl-C"):
            break
    children = psutil.Process(demo.pid).children(recursive=True)
    wait_until((data / "parcours.env").exists)
    time.sleep(0.2)  # between its last line and its waiting
    demo.send_signal(signal.SIGINT)
    demo.stdout.read()
    demo.stdout.close()
    assert demo.wait(60) == 0
    assert psutil.wait_procs(children, timeout=30)[1] == []


def test_whoever_may_only_read_is_told_so_in_one_line(tmp_path: Path) -> None:
    with EngineProcess.start(tmp_path / "engine") as engine:
        arguments = ("identity", "recommend", "--project", "shop", "--clickhouse-url")
        before = parcours(*arguments, engine.url, cwd=tmp_path)
        assert (before.returncode, before.stderr.count("\n")) == (2, 1), before.stderr
        assert "parcours migrate" in before.stderr
        migrate(engine.url)
        refused = parcours(*arguments, engine.analyst_url, cwd=tmp_path)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
        assert "only read" in refused.stderr
        assert "set for shop: user_id" in parcours(*arguments, engine.url, cwd=tmp_path).stdout
        assert "nothing to set" in parcours(*arguments, engine.url, cwd=tmp_path).stdout
