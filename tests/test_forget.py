"""Forgetting: after it nothing of the person is anywhere, nothing brings them back, nobody else has lost anything."""

import asyncio
import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from clickhouse_connect.driver.client import Client
from pydantic import SecretStr
from structlog.testing import capture_logs

from parcours import DropReason, Tracker
from parcours_collector.app import running_collector
from parcours_collector.forgetting.report import ForgedReport, verify_report
from parcours_collector.intake.intake import Intake
from parcours_collector.intake.keys import KeyRing
from parcours_collector.intake.knowing_again import MOST_WORDS
from parcours_collector.intake.registry import Registry
from parcours_collector.intake.suppression import Suppressions, UnreadableSuppressions, suppressed_forms
from parcours_collector.intake.unmapped import UnmappedRows
from parcours_collector.settings import HttpSettings, Settings
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.identity_policy import KindPolicy, write_policy
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.migrations import migrate
from parcours_schemas.identifiers import hash_identifier
from tests.events import event
from tests.faults.ledger import post
from tests.running import CollectorProcess, Sender, add_source, wait_until

CANARIES = ("canary-device-51", "canary-card-52", "canary-user-53", "canary@example.com", "canary-text-54")
_CALM = {"PARCOURS_DELIVERY__LINGER_SECONDS": "0.05", "PARCOURS_STITCHING__INTERVAL_SECONDS": "0.2"}


@dataclass
class Shop:
    """A collector and an engine in one data folder, with a person and others in it."""

    data: Path
    engine: EngineProcess
    collector: CollectorProcess
    sender: Sender

    def client(self) -> Client:
        return connect(self.engine.url)

    def forget(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "parcours_collector",
                "forget",
                *arguments,
                "--project",
                "shop",
                "--data",
                str(self.data),
            ],
            env={**os.environ, "PARCOURS_CLICKHOUSE_URL": self.engine.url, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )

    def count(self, table: str) -> int:
        with self.client() as client:
            return int(client.query(f"SELECT count() FROM {table} FINAL WHERE project = 'shop'").result_rows[0][0])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    data = tmp_path / "data"
    data.mkdir()
    sender = add_source(data, "shop-web", "shop")
    with EngineProcess.start(data / "clickhouse") as engine:
        migrate(engine.url)
        with CollectorProcess(data, engine.url, environment=_CALM) as collector:
            yield Shop(data, engine, collector, sender)


def life_of_the_person() -> list[dict[str, Any]]:
    """A phone, a card and an account that meet, an e-mail, a text; and what was refused of them."""
    text = {"product_id": "tv-55", "name": CANARIES[4]}
    return [
        event(ids={"anonymous_id": CANARIES[0]}, properties=text),
        event(
            ids={"anonymous_id": CANARIES[0], "loyalty_card": CANARIES[1]},
            context={"url": f"https://x.example/{CANARIES[4]}"},
        ),
        event(ids={"loyalty_card": CANARIES[1], "user_id": CANARIES[2], "email": CANARIES[3]}),
        event(ids={"user_id": CANARIES[2]}, properties={"product_id": 7, "name": CANARIES[4]}),
    ]


def life_of_others(count: int = 30) -> list[dict[str, Any]]:
    others = [
        event(ids={"anonymous_id": f"other-{number % 7}", "user_id": f"user-{number % 5}"}) for number in range(count)
    ]
    return [*others, event(ids={"user_id": "user-1"}, properties={"product_id": 8})]


def text_of_everything(shop: Shop) -> str:
    with shop.client() as client:
        tables = [
            row[0]
            for row in client.query(
                "SELECT name FROM system.tables WHERE database = 'parcours' AND engine LIKE '%MergeTree'"
            ).result_rows
        ]
        rows = "".join(str(client.query(f"SELECT * FROM parcours.`{table}`").result_rows) for table in tables)
    return rows + b"".join(contents(shop.data)).decode("latin-1")


def contents(folder: Path) -> Iterator[bytes]:
    """What the files of a folder hold; the engine makes and removes some of them meanwhile."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                yield (Path(parent) / name).read_bytes()


def fill(shop: Shop) -> None:
    post(shop.collector.endpoint, shop.sender, life_of_the_person())
    post(shop.collector.endpoint, shop.sender, life_of_others())
    wait_until(lambda: shop.count("touchpoints") == 33 and shop.count("dead_letters") == 2)


def test_after_forgetting_nothing_is_left_and_nothing_brings_the_person_back(shop: Shop) -> None:
    fill(shop)
    quarantine = shop.data / "wal" / "quarantine"
    quarantine.mkdir(exist_ok=True)
    (quarantine / "00000000000000000001-0-1.damaged").write_bytes(b'{"ids":{"loyalty_card":["canary-card-52"]}')
    for canary in CANARIES[:3]:
        assert canary in text_of_everything(shop)

    dry = shop.forget(f"email={CANARIES[3]}", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "anonymous_id, email_sha256, loyalty_card, user_id (4)" in dry.stdout
    assert shop.count("touchpoints") == 33

    done = shop.forget(f"email={CANARIES[3]}", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "erased 3 touchpoints, 1 dead letters" in done.stdout
    assert "found nothing" in done.stdout
    everything = text_of_everything(shop)
    for canary in CANARIES:
        assert canary not in everything
    assert (shop.count("touchpoints"), shop.count("dead_letters")) == (30, 1)

    # The same again, from whoever kept it; and what is new of them.
    again = life_of_the_person()
    receipt = post(shop.collector.endpoint, shop.sender, again)
    assert receipt["accepted"] == 0
    assert [one["code"] for one in receipt["rejected"]] == ["suppressed"] * 3 + ["schema_violation"]
    losses: list[tuple[str, DropReason]] = []
    with Tracker(
        shop.collector.endpoint, shop.sender.write_key, on_drop=lambda lost, why: losses.append((lost.code, why))
    ) as tracker:
        tracker.track("product_viewed", {"product_id": "tv-55"}, email=CANARIES[3])
        tracker.track("product_viewed", {"product_id": "tv-55"}, user_id="user-1")
        assert tracker.flush(20)
    assert losses == [("suppressed", DropReason.REJECTED)]
    wait_until(lambda: shop.count("touchpoints") == 31)
    everything = text_of_everything(shop)
    for canary in CANARIES:
        assert canary not in everything


def test_a_report_is_signed_names_nobody_and_cannot_be_changed(shop: Shop, tmp_path: Path) -> None:
    fill(shop)
    file = tmp_path / "report.json"
    assert shop.forget(f"loyalty_card={CANARIES[1]}", "--yes", "--report", str(file)).returncode == 0
    said = verify_report(file)
    assert said["erased_rows"]["touchpoints"] == 3
    assert said["found_afterwards"] == {"rows": {}, "files": []}
    assert len(said["suppressed_identifiers"]) == 4
    assert not any(canary in file.read_text() for canary in CANARIES)
    printed = shop.forget("--verify", str(file))
    assert printed.returncode == 0
    assert json.loads(printed.stdout)["project"] == "shop"
    file.write_text(file.read_text().replace('"touchpoints": 3', '"touchpoints": 9'))
    with pytest.raises(ForgedReport):
        verify_report(file)
    assert shop.forget("--verify", str(file)).returncode == 2


def test_a_person_is_forgotten_while_no_collector_runs_with_what_waits_in_the_log(shop: Shop) -> None:
    fill(shop)
    shop.engine.kill()
    post(shop.collector.endpoint, shop.sender, [event(ids={"user_id": CANARIES[2], "device_id": "canary-tablet-55"})])
    shop.collector.kill()
    with EngineProcess.start(shop.engine.data) as back:
        shop.engine = back
        done = shop.forget(f"user_id={CANARIES[2]}", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        everything = text_of_everything(shop)
        for canary in (*CANARIES, "canary-tablet-55"):
            assert canary not in everything
        assert shop.count("touchpoints") == 30
        environment = {**_CALM}
        with CollectorProcess(shop.data, back.url, environment=environment) as again:
            receipt = post(again.endpoint, shop.sender, [event(ids={"device_id": "canary-tablet-55"})])
            assert receipt["rejected"][0]["code"] == "suppressed"  # type: ignore[index]


def test_one_identifier_is_forgotten_without_the_person_it_belonged_to(shop: Shop) -> None:
    fill(shop)
    done = shop.forget(f"loyalty_card={CANARIES[1]}", "--only", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert shop.count("touchpoints") == 31
    with shop.client() as client:
        people = client.query(
            "SELECT uniqExact(person_id) FROM touchpoints_resolved WHERE project = 'shop' "
            "AND (has(ids['anonymous_id'], {a:String}) OR has(ids['user_id'], {u:String}))",
            parameters={"a": CANARIES[0], "u": CANARIES[2]},
        ).result_rows
    assert people == [(1,)]


def test_a_value_with_quotes_and_backslashes_is_found_and_erased_wherever_it_stands(shop: Shop) -> None:
    odd, name = "canary\"card\\89'x", "canary-é-90"
    quarantine = shop.data / "wal" / "quarantine"
    quarantine.mkdir(exist_ok=True)
    (quarantine / "00000000000000000001-0-1.damaged").write_bytes(orjson.dumps({"ids": {"loyalty_card": odd}}))
    wrong = {"product_id": 7}
    post(
        shop.collector.endpoint,
        shop.sender,
        [
            event(ids={"loyalty_card": odd, "user_id": name}),
            event(ids={"loyalty_card": odd}, properties=wrong),
            event(properties=wrong | {"inner": orjson.dumps({"card": odd}).decode()}),
            event(properties=wrong | {"inner": json.dumps({"user": name})}),
            event(ids={"loyalty_card": "canary-card-10"}, properties=wrong),
        ],
    )
    letters = [letter(f"2026;{name};24,90"), letter(f"2026;{name}-1;24,90"), letter({"mail": "canary.90@example.com"})]
    assert post_body(shop.collector, shop.sender, "dead-letters", b"\n".join(map(orjson.dumps, letters)))["kept"] == 3
    post(shop.collector.endpoint, shop.sender, [event(ids={"user_id": name, "email": "canary.90@example.com"})])
    wait_until(lambda: shop.count("touchpoints") == 2 and shop.count("dead_letters") == 7)
    (shop.data / "notes.json").write_bytes(orjson.dumps({"card": odd}))
    done = shop.forget(f"loyalty_card={odd}", "--yes")
    assert done.returncode == 1
    assert "erased 2 touchpoints, 5 dead letters" in done.stdout, done.stdout + done.stderr
    assert shop.count("dead_letters") == 2
    assert [*quarantine.iterdir()] == []
    # Whose identifier begins with theirs is somebody else; only the search, which errs on the other side, names it.
    # The file that holds this letter may show its text too, as its compression has it.
    said = [line.strip() for line in done.stdout.splitlines() if "left in" in line]
    left = {line for line in said if "left in clickhouse/" not in line}
    assert left == {"left in dead_letters.payload", "left in notes.json"}


def test_what_a_person_did_at_a_shared_till_goes_with_them_and_the_till_stays(shop: Shop) -> None:
    with shop.client() as client:
        write_policy(client, "shop", [KindPolicy("user_id", "strong"), KindPolicy("device_id", "weak", max_strong=1)])
    at = datetime.now(UTC) - timedelta(minutes=20)
    seen: list[dict[str, str]] = [{"user_id": CANARIES[2]}, {}, {"user_id": "somebody-else"}, {}]
    post(
        shop.collector.endpoint,
        shop.sender,
        [
            event(ids={"device_id": "till-of-the-shop", **ids}, occurred_at=(at + timedelta(minutes=n)).isoformat())
            for n, ids in enumerate(seen)
        ],
    )
    wait_until(lambda: shop.count("touchpoints") == 4)
    done = shop.forget(f"user_id={CANARIES[2]}", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "erased 2 touchpoints" in done.stdout
    with shop.client() as client:
        left = client.query("SELECT uniqExact(person_id), count() FROM touchpoints_unique WHERE project = 'shop'")
        assert left.result_rows == [(1, 2)]
        assert JourneyIndex(client).check().same
    receipt = post(shop.collector.endpoint, shop.sender, [event(ids={"device_id": "till-of-the-shop"})])
    assert receipt["accepted"] == 1


def test_nobody_known_and_no_identifier_are_said(shop: Shop) -> None:
    unknown = shop.forget("loyalty_card=nobody", "--yes")
    assert (unknown.returncode, "Nobody" in unknown.stderr) == (2, True)
    assert "nobody" not in unknown.stderr.replace("nobody_known", "").replace("Nobody", "")
    assert shop.forget("nonsense").returncode == 2
    assert shop.forget("loyalty_card=unseen-1", "--yes", "--unseen").returncode == 0
    receipt = post(shop.collector.endpoint, shop.sender, [event(ids={"loyalty_card": "unseen-1"})])
    assert receipt["rejected"][0]["code"] == "suppressed"  # type: ignore[index]


NOBODY = "http://nobody:nothing@127.0.0.1:9"
CARD, ADDRESS, PHONE = "canary-card-77", "zoe.canary@example.com", "+33612345678"


@contextlib.contextmanager
def collector_that_has_forgotten(data: Path, *, names_kinds: bool = True) -> Iterator[tuple[CollectorProcess, Sender]]:
    """A collector without ClickHouse, and a card, an address and a number that are kept out."""
    data.mkdir(exist_ok=True)
    sender = add_source(data, "shop-web", "shop")
    key = Registry.read(data / "registry.json").identifier_keys["shop"].newest
    hashed = [hash_identifier(kind, value, key) for kind, value in (("email", ADDRESS), ("phone", PHONE))]
    forgotten = [("loyalty_card", CARD), ("loyalty_card", 'ca"rd-88'), ("loyalty_card", "7"), *hashed]
    forms = suppressed_forms(forgotten, "shop", key)
    Suppressions(data / "suppressed.json").add(forms, {kind for kind, _ in forgotten})
    if not names_kinds:
        (data / "suppressed.json").write_bytes(orjson.dumps({"suppressed": forms}))
    with CollectorProcess(data, NOBODY, environment={"PARCOURS_SHUTDOWN_SECONDS": "0"}) as collector:
        yield collector, sender


def post_body(collector: CollectorProcess, sender: Sender, door: str, body: bytes) -> dict[str, Any]:
    """Send a body as it stands."""
    request = urllib.request.Request(
        f"{collector.endpoint}/v1/{door}",
        data=body,
        headers={"Authorization": f"Bearer {sender.write_key}", "Content-Type": "application/x-ndjson"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return dict(json.load(answer))


def letter(payload: object, **fields: object) -> dict[str, object]:
    return {"payload": payload, "code": "unmapped_row", "path": "", "detail": "no time", "line": 7} | fields


NAMED = [
    {"ids": [{"loyalty_card": CARD}]},
    {"ids": {"loyalty_card": [["nested", CARD]]}},
    {"ids": {"loyalty_card": 'ca"rd-88'}},
    {"ids": {"loyalty_card": 7}},
    {"properties": {"note": f"card {CARD}, says the till"}},
    {"context": {"url": f"https://shop.example/?card={CARD}"}},
    {"cards": {CARD: True}},
    {"ids": {"email": f" {ADDRESS.upper()} "}},
    {"properties": {"note": f"<{ADDRESS}>"}},
    {"ids": {"phone": 33612345678}, "note": PHONE},
]
UNREADABLE = [
    f'{{"ids":{{"loyalty_card":"{CARD}"}},"properties":{{"x":NaN}}}}',
    r'{"ids":{"loyalty_card":"ca\"rd-88"},"properties":{"x":NaN}}',
    r'{"ids":{"loyalty_card":"\u0063anary-card-77"},"properties":{"x":NaN}}',
    f"{{'ids': {{'loyalty_card': '{CARD}'}}}}",
    f"2026-11-01;{CARD};24,90",
    f"2026-11-01;{ADDRESS};24,90",
    f'{{"ids":{{"loyalty_card":"{CARD}',
]


@pytest.mark.parametrize("names_kinds", [True, False], ids=["list", "list_of_before"])
def test_nothing_refused_in_which_somebody_forgotten_is_named_is_kept(tmp_path: Path, names_kinds: bool) -> None:
    with collector_that_has_forgotten(tmp_path / "data", names_kinds=names_kinds) as (collector, sender):
        refused = [json.dumps(event(properties={"product_id": 7}) | named) for named in NAMED]
        answer = post_body(collector, sender, "touchpoints", "\n".join([*refused, *UNREADABLE]).encode())
        assert (answer["accepted"], len(answer["rejected"])) == (0, len(NAMED) + len(UNREADABLE))
        letters = [letter(payload) for payload in (*NAMED, *UNREADABLE)]
        letters += [letter("", detail=f"not {CARD}"), letter("", event_id=CARD)]
        answer = post_body(collector, sender, "dead-letters", b"\n".join(map(orjson.dumps, letters)))
        assert answer["kept"] == 0
        assert {one["code"] for one in answer["rejected"]} == {"suppressed"}
        assert b"".join(contents(tmp_path / "data" / "wal")).count(b'"payload"') == 0


def test_what_is_refused_of_others_is_kept_when_somebody_was_forgotten(tmp_path: Path) -> None:
    with collector_that_has_forgotten(tmp_path / "data") as (collector, sender):
        others = [
            {"ids": {"loyalty_card": "canary-card-778"}},
            {"total": 77, "note": "7 of them, 17"},
            ["x", None, 0.7],
        ]
        answer = post_body(collector, sender, "dead-letters", b"\n".join(orjson.dumps(letter(one)) for one in others))
        assert answer == {"kept": 3, "rejected": []}


def test_of_what_is_too_long_to_be_looked_through_only_the_reason_is_kept(tmp_path: Path) -> None:
    with collector_that_has_forgotten(tmp_path / "data") as (collector, sender):
        long = [f"word-{number}" for number in range(MOST_WORDS)] + [CARD]
        began = time.monotonic()
        answer = post_body(collector, sender, "dead-letters", orjson.dumps(letter(long)))
        assert time.monotonic() - began < 2
        assert answer == {"kept": 1, "rejected": []}
        kept = b"".join(contents(tmp_path / "data" / "wal"))
        assert b"no time" in kept
        assert b"word-1" not in kept


async def test_who_is_forgotten_while_their_batch_is_being_sorted_is_not_in_the_log(tmp_path: Path) -> None:
    add_source(tmp_path, "crm", "shop")
    keys, list_file = KeyRing(tmp_path / "registry.json"), tmp_path / "suppressed.json"
    log = WriteAheadLog.open(tmp_path / "wal")
    suppressions, settings = Suppressions(list_file), HttpSettings()
    intake = Intake(settings=settings, keys=keys, log=log, plan=None, suppressions=suppressions)
    rows = UnmappedRows(settings=settings, keys=keys, log=log, rejected=Counter(), suppressions=suppressions)
    others = [event(ids={"phone": f"+336{number:08}"}) for number in range(1_000)]
    letters = [letter({"card": CARD}), *(letter({"user": f"user-{number}"}) for number in range(1_000))]
    source = keys.sources[0]
    under_way = [
        asyncio.create_task(
            intake.accept(source, orjson.dumps([event(ids={"loyalty_card": CARD}), *others]), "application/json")
        ),
        asyncio.create_task(rows.keep(source, orjson.dumps(letters), "application/json")),
    ]
    await asyncio.sleep(0)  # each has come to its first pause, with the person behind it
    forms = suppressed_forms([("loyalty_card", CARD)], "shop", keys.identifier_keys("shop").newest)
    Suppressions(list_file).add(forms, ["loyalty_card"])
    receipt, kept = await asyncio.gather(*under_way)
    await log.close()
    assert (receipt.accepted, [one.refusal.code for one in receipt.rejected]) == (1_000, ["suppressed"])
    assert (kept.kept, [refusal.code for _, refusal in kept.rejected]) == (1_000, ["suppressed"])
    assert CARD.encode() not in b"".join(contents(tmp_path / "wal"))


async def test_a_first_list_that_is_damaged_is_said_once_and_followed_once_it_is_mended(tmp_path: Path) -> None:
    sender, file = add_source(tmp_path, "shop-web", "shop"), tmp_path / "suppressed.json"
    settings = Settings(data=tmp_path, port=0, clickhouse_url=SecretStr(NOBODY), shutdown_seconds=0)
    headers = {"Authorization": f"Bearer {sender.write_key}"}
    with capture_logs() as said:
        async with (
            asyncio.timeout(30),
            running_collector(settings) as running,
            aiohttp.ClientSession(running.endpoint, headers=headers) as session,
        ):

            async def status_of_one_more() -> int:
                async with session.post("/v1/touchpoints", json=[event()]) as answer:
                    return answer.status

            def complaints() -> list[str]:
                return [entry["error"] for entry in said if entry["event"] == "look_failed"]

            assert await status_of_one_more() == 200
            file.write_text("nonsense")
            while not complaints():
                await status_of_one_more()
            # Who was on it is not known: nothing is taken, and senders keep what they have.
            assert await status_of_one_more() == 500
            file.unlink()
            Suppressions(file).add(["a" * 64])
            while len([*(tmp_path / "wal").glob("*.wal")]) == 1:
                assert await status_of_one_more() == 200
            assert complaints() == ["UnreadableSuppressions"]


def test_a_damaged_list_lets_nobody_back(tmp_path: Path) -> None:
    file = tmp_path / "suppressed.json"
    kept_out = Suppressions(file)
    kept_out.add(["a" * 64])
    other = Suppressions(file)
    assert other.count == 1
    time.sleep(0.01)
    file.write_text("nonsense")
    assert other.refresh()
    assert other.count == 1
    with pytest.raises(UnreadableSuppressions):
        Suppressions(file)


def keep_out(number: int, *, file: Path) -> None:
    """Keep five people out, one after the other."""
    kept_out = Suppressions(file)
    for each in range(5):
        kept_out.add([f"{number}-{each}"])


def test_who_is_forgotten_by_several_commands_at_once_is_kept_out_by_all_of_them(tmp_path: Path) -> None:
    file = tmp_path / "suppressed.json"
    processes = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, processes, initializer=processes.Barrier(4).wait) as commands:
        list(commands.map(partial(keep_out, file=file), range(4)))
    assert Suppressions(file).count == 20
