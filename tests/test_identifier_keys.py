"""The key that hashes e-mails is rotated: nobody becomes two people, and nobody who was forgotten comes back."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from parcours_collector.intake.identifier_keys import IdentifierKeys
from parcours_collector.intake.registry import Registry, UnknownProject
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.migrations import migrate
from parcours_collector.warehouse.stitching import stitch
from parcours_schemas.identifiers import hash_identifier, hash_ids
from tests.events import event
from tests.faults.ledger import post
from tests.running import CollectorProcess, Sender, add_source, wait_until

_CALM = {"PARCOURS_DELIVERY__LINGER_SECONDS": "0.05", "PARCOURS_STITCHING__INTERVAL_SECONDS": "0.2"}
EMAIL = "ada@example.com"


@dataclass
class Shop:
    data: Path
    engine: EngineProcess
    collector: CollectorProcess
    sender: Sender

    def parcours(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "parcours_collector", *arguments, "--data", str(self.data)],
            env={**os.environ, "PARCOURS_CLICKHOUSE_URL": self.engine.url, "COLUMNS": "200"},
            capture_output=True, text=True, check=False, timeout=200,
        )  # fmt: skip

    def send(self, **ids: str) -> dict[str, object]:
        return post(self.collector.endpoint, self.sender, [event(ids=ids)])

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with connect(self.engine.url) as client:
            return [tuple(row) for row in client.query(sql).result_rows]

    def stored(self, count: int) -> None:
        wait_until(lambda: self.rows("SELECT count() FROM touchpoints FINAL") == [(count,)])

    @property
    def keys(self) -> IdentifierKeys:
        return Registry.read(self.data / "registry.json").identifier_keys["shop"]

    def people(self) -> list[int]:
        """How many touchpoints each person has."""
        with connect(self.engine.url) as client:
            stitch(client)
            rows = client.query(
                "SELECT count() AS touchpoints FROM touchpoints_unique GROUP BY person_id ORDER BY touchpoints"
            ).result_rows
        return [int(row[0]) for row in rows]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    data = tmp_path / "data"
    data.mkdir()
    sender = add_source(data, "shop-web", "shop")
    with EngineProcess.start(data / "clickhouse") as engine:
        migrate(engine.url)
        with CollectorProcess(data, engine.url, workers=2, environment=_CALM) as collector:
            yield Shop(data, engine, collector, sender)


def test_a_rotated_key_makes_nobody_two_people_and_lets_nobody_forgotten_back(shop: Shop) -> None:
    shop.send(email=EMAIL, anonymous_id="phone")
    shop.send(email="bob@example.com", anonymous_id="bobs")
    shop.stored(2)
    first = shop.keys.newest
    told = shop.parcours("keys", "rotate-identifier-key", "shop")
    assert told.stdout == "shop: 2 identifier keys in use, 0 retired\n"
    assert shop.keys.in_use[1] == first != shop.keys.newest

    shop.send(email=EMAIL, anonymous_id="laptop")
    shop.stored(3)
    new_and_old = [hash_identifier("email", EMAIL, key)[1] for key in shop.keys.in_use]
    laptop = shop.rows("SELECT ids['email_sha256'] FROM touchpoints WHERE has(ids['anonymous_id'], 'laptop')")
    assert laptop == [(new_and_old,)]
    assert shop.people() == [1, 2]
    by_mail = shop.parcours("person", "email", EMAIL, "--project", "shop")
    assert by_mail.stdout.count("product_viewed") == 2
    bob = shop.parcours("person", "email", "bob@example.com", "--project", "shop")
    assert bob.stdout.count("product_viewed") == 1, "who has not come since is found under the former key"
    why = shop.parcours("identity", "why", f"email={EMAIL}", "anonymous_id=phone", "--project", "shop")
    assert "anonymous_id=phone" in why.stdout, why.stderr

    for mail in (EMAIL, "bob@example.com"):
        forgotten = shop.parcours("forget", f"email={mail}", "--project", "shop", "--yes")
        assert "found nothing" in forgotten.stdout, forgotten.stderr
    assert shop.rows("SELECT count() FROM touchpoints FINAL") == [(0,)]
    retired = shop.parcours("keys", "rotate-identifier-key", "shop", "--keep", "0")
    assert retired.stdout == "shop: 1 identifier keys in use, 2 retired\n"
    for mail in (EMAIL, "bob@example.com"):
        assert shop.send(email=mail)["rejected"][0]["code"] == "suppressed"  # type: ignore[index]
    assert shop.send(email="cleo@example.com")["accepted"] == 1
    refused = post(shop.collector.endpoint, shop.sender, [event(ids={"email": EMAIL}, properties={"product_id": 7})])
    assert len(refused["rejected"]) == 1
    shop.stored(1)
    assert shop.rows("SELECT count() FROM dead_letters") == [(0,)], "nor is what was refused of them kept"


def test_keys_are_kept_as_they_are_rotated() -> None:
    keys = IdentifierKeys.new()
    assert IdentifierKeys.of_row(keys.as_row()) == keys
    assert keys.as_row() == keys.newest.hex(), "a file of a version before reads the same"
    twice = keys.rotated(1).rotated(1)
    assert (len(twice.in_use), twice.retired) == (2, (keys.newest,))
    assert IdentifierKeys.of_row(orjson.loads(orjson.dumps(twice.as_row()))) == twice
    assert twice.kept(0).in_use == (twice.newest,)
    assert twice.kept(0).all == twice.all
    assert "b'" not in repr(twice), "no key in a log"
    with pytest.raises(UnknownProject):
        Registry().with_identifier_key("shop", keep=1)


def test_former_keys_add_their_hashes_and_what_is_hashed_stays() -> None:
    new, old = b"new", b"old"
    hashed = hash_ids({"email": ["A@x.example", "null"], "user_id": "u1"}, new, former_keys=[old])
    assert hashed == {
        "email_sha256": [hash_identifier("email", "a@x.example", key)[1] for key in (new, old)] + ["null"],
        "user_id": ["u1"],
    }
    assert hash_ids(hashed, new, former_keys=[old]) == hashed
