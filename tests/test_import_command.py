"""`parcours import` as a process, against a real collector: bad rows, interruptions, a collector that dies."""

import gzip
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from .importing_rig import ECOM, PLAIN_MAP, command, count, environment_of, letters, run, wait_for_rows
from .running import CollectorProcess, Sender, add_source, wait_until


class Rig:
    """A folder with a map, a collector, and the import."""

    def __init__(self, folder: Path, clickhouse: Client, clickhouse_url: str, sender: Sender) -> None:
        self.folder, self.clickhouse, self.url, self.sender = folder, clickhouse, clickhouse_url, sender
        self.project = sender.project
        self.collector = self.start()
        (folder / "map.toml").write_text(PLAIN_MAP)

    def start(self, *, port: int = 0, **settings: str) -> CollectorProcess:
        return CollectorProcess(self.folder, self.url, port=port, environment=settings)

    def file(self, content: str | bytes, name: str = "visits.csv") -> Path:
        file = self.folder / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def arguments(self, file: Path, *more: str) -> list[str]:
        return ["import", str(file), "--map", str(self.folder / "map.toml"), "--data", str(self.folder), *more]

    def run(self, file: Path, *more: str) -> tuple[int, str]:
        status, out, err = run(self.arguments(file, *more), environment_of(self.collector, self.sender))
        return status, out + err

    def interrupted(self, file: Path, interrupt: Callable[[int], None], *more: str) -> tuple[int, str]:
        """Run it, call `interrupt` with its process id once some of it is acknowledged, and return how it ended."""
        process = command(self.arguments(file, *more), environment_of(self.collector, self.sender))
        wait_until(lambda: self.line() > 0 or process.poll() is not None, every_seconds=0.005)
        assert process.poll() is None, "it was over before it could be interrupted"
        interrupt(process.pid)
        out, err = process.communicate(timeout=120)
        return process.returncode, out + err

    def line(self) -> int:
        """The line that the import remembers."""
        kept = list((self.folder / "imports").glob("*.json"))
        return int(json.loads(kept[0].read_bytes())["line"]) if kept else 0

    def stored(self) -> int:
        return count(self.clickhouse, self.project)


@pytest.fixture
def rig(tmp_path: Path, clickhouse: Client, clickhouse_url: str, project: str) -> Iterator[Rig]:
    made = Rig(tmp_path, clickhouse, clickhouse_url, add_source(tmp_path, "visits", project))
    yield made
    made.collector.__exit__(None, None, None)


LONG = 25_000
"""Rows enough to be interrupted in their middle on a busy machine: some seconds in batches of 20."""


def visits(rows: int) -> str:
    return "user,at,title\n" + "".join(
        f"u-{n % 97},2024-03-01 {n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02},p{n}\n" for n in range(rows)
    )


def test_rows_that_do_not_make_it_are_kept_with_line_and_reason_and_the_status_is_one(rig: Rig) -> None:
    (rig.folder / "map.toml").write_text(
        PLAIN_MAP.replace('{ constant = "page_viewed" }', '{ column = "name" }')
        + 'load_time_ms = { column = "ms", type = "integer" }\n'
    )
    file = rig.file(
        "\ufeffname,user,at,title,ms\n"
        'page_viewed,u-1,2024-03-01 10:00:00,"two\nlines",5\n'
        "page_viewed,roger@example.com,yesterday,Home,5\n"
        "page_viewed,u-3\n"
        "page_viewed,u-4,2024-03-01 10:00:00,Home,fast\n"
        "page_vewed,u-5,2024-03-01 10:00:00,Home,5\n"
        "page_viewed,u-6,1980-03-01 10:00:00,Home,5\n"
        "page_viewed,u-\x007,2024-03-01 10:00:00,Home,5\n"
        f"page_viewed,u-8,2024-03-01 10:00:00,{'x' * 300_000},5\n"
        f"page_viewed,u-9,2024-03-01 10:00:00,{'x' * 100_000},5\n"
        'page_viewed,u-10,2024-03-01 10:00:00,"open,5\n'
        "page_viewed,u-11,2024-03-01 10:00:00,Home,5\n"
    )
    status, said = rig.run(file)
    assert status == 1
    wait_for_rows(rig.clickhouse, rig.project, 2)
    wait_for_rows(rig.clickhouse, rig.project, 9, table="dead_letters FINAL")
    kept = letters(rig.clickhouse, rig.project)
    assert [(letter["line"], letter["code"], letter["path"]) for letter in kept] == [
        (4, "unmapped_row", "/at"),
        (5, "unmapped_row", ""),
        (6, "unmapped_row", "/ms"),
        (7, "unknown_touchpoint", "/name"),
        (8, "invalid_time", "/occurred_at"),
        (9, "unmapped_row", ""),
        (10, "unmapped_row", ""),
        (11, "schema_violation", "/properties/title"),
        (12, "unmapped_row", ""),
    ]
    assert {letter["origin"] for letter in kept} == {"import"}
    assert "roger@example.com" not in str(kept)
    assert json.loads(str(kept[2]["payload"]))["ms"] == "fast"
    assert "line 4: unmapped_row /at: this is not a time of the format iso" in said
    assert "rejected: unknown_touchpoint" in said
    assert "roger" not in said
    assert not list((rig.folder / "imports").iterdir())  # it is finished

    assert rig.run(file)[0] == 1
    rig.collector.stop()
    assert (rig.stored(), len(letters(rig.clickhouse, rig.project))) == (2, 9)  # again doubles neither


def test_like_rows_stay_two_in_a_renamed_and_resorted_gzip_of_ndjson_too(rig: Rig) -> None:
    rows = [{"user": f"u-{n % 3}", "at": "2024-03-01T10:00:00Z", "title": f"p{n % 5}"} for n in range(40)]
    first = rig.file(gzip.compress("\n".join(map(json.dumps, rows)).encode()), "a.ndjson.gz")
    again = rig.file("\n".join(json.dumps(dict(reversed(row.items()))) for row in reversed(rows)), "b.jsonl")
    assert rig.run(first)[0] == 0
    assert rig.run(again)[0] == 0
    rig.collector.stop()
    assert rig.stored() == 40


def test_an_import_killed_in_the_middle_goes_on_there_and_doubles_nothing(rig: Rig) -> None:
    file = rig.file(visits(LONG))
    small = ("--batch-events", "20")
    status, _ = rig.interrupted(file, lambda pid: os.kill(pid, signal.SIGKILL), *small)
    assert status == -signal.SIGKILL
    line = rig.line()
    assert 0 < line < LONG + 1
    status, said = rig.run(file, *small)
    assert status == 0
    assert f"going on after line {line}" in said
    assert f"{LONG:,}" in said  # the summary is of the whole
    rig.collector.stop()
    assert rig.stored() == LONG


def test_ctrl_c_says_how_to_go_on_and_a_changed_map_begins_again(rig: Rig) -> None:
    file = rig.file(visits(LONG))
    small = ("--batch-events", "20")
    status, said = rig.interrupted(file, lambda pid: os.kill(pid, signal.SIGINT), *small)
    assert status == 130
    assert "Run the same command again to go on" in said
    with (rig.folder / "map.toml").open("a") as more:
        more.write('user = "user"\n')
    status, said = rig.run(file)
    assert status == 0
    assert "beginning again" in said
    assert "going on" not in said
    rig.collector.stop()
    assert rig.stored() == LONG


def test_a_collector_that_dies_is_waited_for_and_said_once(rig: Rig) -> None:
    file = rig.file(visits(6_000))

    def restart(_pid: int) -> None:
        rig.collector.kill()
        rig.collector = rig.start(port=rig.collector.port)

    status, said = rig.interrupted(file, restart, "--batch-events", "20")
    assert status == 0, said
    assert said.count("Waiting for it") == said.count("The collector is back") == 1
    rig.collector.stop()
    assert rig.stored() == 6_000


def test_batches_that_are_too_large_are_halved_until_they_fit(rig: Rig) -> None:
    rig.collector.stop()
    rig.collector = rig.start(PARCOURS_HTTP__MAX_BODY_BYTES="1024", PARCOURS_HTTP__MAX_BATCH_EVENTS="7")
    assert rig.run(rig.file(visits(100)))[0] == 0
    rig.collector.stop()
    assert rig.stored() == 100


@pytest.mark.parametrize(
    ("content", "key", "said"),
    [
        ("user,at,title\n", "pwk_nonsense", "refuses the write key"),
        ("user,at,title\n", "", "There is no write key"),
        (
            "usr,at,title\n",
            None,
            "ids.user_id reads the column 'user', which the file does not have; did you mean usr?",
        ),
        (b"\x1f\x8b", None, "ends in the middle"),
    ],
)
def test_what_cannot_start_says_why_with_status_two(rig: Rig, content: str | bytes, key: str | None, said: str) -> None:
    if key is not None:
        rig.sender = Sender("visits", rig.project, key)
    status, told = rig.run(rig.file(content))
    assert status == 2
    assert said in told
    assert "pwk_" not in told


def test_a_key_may_come_from_a_file_and_a_limit_ends_early(rig: Rig) -> None:
    key = rig.file(rig.sender.write_key + "\n", "key")
    rig.sender = Sender("visits", rig.project, "pwk_nonsense")
    status, said = rig.run(rig.file(visits(100)), "--write-key-file", str(key), "--limit", "30")
    assert status == 0, said
    rig.collector.stop()
    assert rig.stored() == 30


def test_a_dry_run_shows_examples_and_problems_and_needs_no_collector(tmp_path: Path, shared_folder: Path) -> None:
    ecom = shared_folder / "data" / "ecom.csv.gz"
    arguments = ["import", str(ecom), "--map", str(ECOM / "import.toml"), "--data", str(tmp_path), "--dry-run"]
    status, out, err = run([*arguments, "--limit", "1000", "--plan", str(ECOM / "plan")], {})
    assert status == 0, err
    assert "1,000 rows: 1,000 valid, 0 would be rejected, 0 do not map, 0 skipped. Nothing was sent." in out
    decoder, at = json.JSONDecoder(), 0
    for _ in range(3):
        event, at = decoder.raw_decode(out, at)
        assert event["ids"]["user_id"] == ["user_0000"]
        at += 1
    status, out, _ = run([*arguments, "--limit", "3"], {})
    assert status == 1
    assert "line 2: unknown_touchpoint /name" in out
