"""What was acknowledged and what was refused, sent over raw HTTP, and whether the warehouse holds each of it once."""

import http.client
import json
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from clickhouse_connect.driver.client import Client

from tests.running import Sender, wait_until

BAD_EVERY = 10
_PEOPLE = 200


def touchpoint(number: int, **changes: object) -> dict[str, object]:
    """One touchpoint of its own; each tenth is refused: its price is no amount."""
    return {
        "id": new_id(),
        "name": "product_viewed",
        "occurred_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
        "channel": "web",
        "ids": {"anonymous_id": f"a{number % _PEOPLE}", "user_id": f"u{number % _PEOPLE}"},
        "properties": {
            "product_id": f"p{number}",
            "price": "no amount" if number % BAD_EVERY == 0 else "799.00",
            "currency": "EUR",
        },
        **changes,
    }


def new_id() -> str:
    """A UUIDv7 of now."""
    random = uuid.uuid4().int & (1 << 74) - 1
    milliseconds = time.time_ns() // 1_000_000
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | (random >> 62) << 64 | 2 << 62 | random & (1 << 62) - 1))


def post(
    endpoint: str, sender: Sender, touchpoints: Sequence[Mapping[str, object]], *, sent_at: datetime | None = None
) -> dict[str, object]:
    """Send a batch once; return the receipt.

    Raises:
        OSError: No answer came, or one that is not 200.
    """
    address = endpoint.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=30)
    sent = f"{(sent_at or datetime.now(UTC)):%Y-%m-%dT%H:%M:%S.%f}Z"
    try:
        connection.request(
            "POST",
            "/v1/touchpoints",
            json.dumps({"sent_at": sent, "touchpoints": touchpoints}),
            {"Authorization": f"Bearer {sender.write_key}", "Content-Type": "application/json"},
        )
        with connection.getresponse() as response:
            body = response.read()
    except http.client.HTTPException as error:
        raise ConnectionError(type(error).__name__) from error
    finally:
        connection.close()
    if response.status != 200:
        raise ConnectionError(f"{response.status} {body[:200]!r}")
    receipt: dict[str, object] = json.loads(body)
    return receipt


@dataclass
class Kept:
    """What a collector has answered for."""

    acknowledged: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)

    def take(self, batch: Sequence[Mapping[str, object]], receipt: Mapping[str, object]) -> None:
        """Note a receipt, which accounts for everything that was sent."""
        refused = {one["id"] for one in receipt["rejected"]}  # type: ignore[attr-defined]
        ids = {str(one["id"]) for one in batch}
        assert receipt["accepted"] + receipt["duplicate"] + len(refused) == len(batch)  # type: ignore[operator]
        self.rejected |= refused
        self.acknowledged |= ids - refused


@dataclass(frozen=True)
class Verdict:
    """What a fault has cost: none of these may be other than 0."""

    acknowledged: int
    lost: int
    doubled: int
    rejected: int
    letters_lost: int
    letters_doubled: int

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.letters_lost or self.letters_doubled)


class Traffic:
    """Sends batches from a thread of its own until stopped, each until it is acknowledged: as an SDK would."""

    def __init__(self, endpoint: str, sender: Sender, *, batch: int = 40, pause_seconds: float = 0.002) -> None:
        self.endpoint = endpoint
        self.kept = Kept()
        self.attempts = 0
        self._sender = sender
        self._batch = batch
        self._pause_seconds = pause_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self) -> None:
        number = 0
        while not self._stop.is_set():
            batch = [touchpoint(number + place) for place in range(self._batch)]
            number += self._batch
            while True:
                self.attempts += 1
                try:
                    self.kept.take(batch, post(self.endpoint, self._sender, batch))
                    break
                except OSError:
                    time.sleep(0.01)
            time.sleep(self._pause_seconds)

    def wait_for(self, count: int) -> None:
        """Wait until so many more are acknowledged."""
        target = len(self.kept.acknowledged) + count
        wait_until(lambda: len(self.kept.acknowledged) >= target, 120, every_seconds=0.002)

    def finish(self) -> Kept:
        """Stop after the batch under way is acknowledged."""
        self._stop.set()
        self._thread.join(120)
        assert not self._thread.is_alive(), "a batch was never acknowledged"
        return self.kept


def judge(client: Client, project: str, kept: Kept, timeout_seconds: float = 120.0) -> Verdict:
    """Wait until as many are stored as were answered for, and say what is missing and what is there twice."""

    def ids(table: str, column: str) -> list[str]:
        query = f"SELECT {column} FROM {table} WHERE project = {{project:String}}"
        return [str(row[0]) for row in client.query(query, parameters={"project": project}).result_rows]

    def is_stored() -> bool:
        touchpoints = len(set(ids("touchpoints", "id")))
        return touchpoints >= len(kept.acknowledged) and len(set(ids("dead_letters", "event_id"))) >= len(kept.rejected)

    deadline = time.monotonic() + timeout_seconds
    while not is_stored() and time.monotonic() < deadline:
        time.sleep(0.05)
    resolved = ids("touchpoints_resolved", "id")
    letters = ids("dead_letters FINAL", "event_id")
    return Verdict(
        acknowledged=len(kept.acknowledged),
        lost=len(kept.acknowledged - set(resolved)),
        doubled=len(resolved) - len(set(resolved)),
        rejected=len(kept.rejected),
        letters_lost=len(kept.rejected - set(letters)),
        letters_doubled=len(letters) - len(set(letters)),
    )
