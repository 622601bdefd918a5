"""Rows of `touchpoints` for tests, and strategies for small lives full of ties, loops and late evidence."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import orjson
from clickhouse_connect.driver.client import Client
from hypothesis import strategies as st

from parcours_collector.warehouse.insert import INSERT_SETTINGS
from tests.oracle import Touch

START = datetime(2026, 6, 1, tzinfo=UTC)
RECEIVED_AT = datetime(2026, 11, 1, tzinfo=UTC)

NAMES = ("ad_impression", "product_viewed", "product_added", "order_completed")
CHANNELS = ("web", "ads", "email", "store", "app")
IDENTIFIERS = tuple(
    (kind, f"{kind}-{number}") for kind in ("anonymous_id", "user_id", "loyalty_card") for number in range(4)
)
_PAUSES = (
    timedelta(0),
    timedelta(minutes=1),
    timedelta(minutes=30),
    timedelta(minutes=30, milliseconds=1),
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(days=30),
    timedelta(days=30, milliseconds=1),
)


def ids_of(identifiers: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Group identifiers by kind."""
    grouped: dict[str, tuple[str, ...]] = {}
    for kind, value in identifiers:
        grouped[kind] = (*grouped.get(kind, ()), value)
    return grouped


def touch(name: str, seconds: float, *, channel: str = "web", received_at: datetime | None = None, **ids: str) -> Touch:
    """One touchpoint so many seconds after START."""
    return Touch(
        id=uuid.uuid4(),
        name=name,
        occurred_at=START + timedelta(seconds=seconds),
        ids={kind: (value,) for kind, value in ids.items()},
        channel=channel,
        received_at=received_at or RECEIVED_AT,
    )


@st.composite
def lives(draw: st.DrawFn, max_touches: int = 40, pauses: Sequence[timedelta] = _PAUSES) -> list[Touch]:
    """Touchpoints in order of arrival; some are received twice."""
    moment = START
    touches: list[Touch] = []
    for number in draw(st.lists(st.integers(0, 2**60 - 1), min_size=1, max_size=max_touches, unique=True)):
        moment += draw(st.sampled_from(pauses))
        touches.append(
            Touch(
                id=uuid.UUID(int=(number << 68 | number) & ~(0xF << 76) | 7 << 76),
                name=draw(st.sampled_from(NAMES)),
                occurred_at=moment,
                ids=ids_of(draw(st.lists(st.sampled_from(IDENTIFIERS), max_size=3, unique=True))),
                channel=draw(st.sampled_from(CHANNELS)),
                received_at=RECEIVED_AT,
            )
        )
    repeated = draw(st.lists(st.sampled_from(touches), max_size=3))
    again = [
        Touch(t.id, t.name, t.occurred_at, t.ids, t.channel, RECEIVED_AT + timedelta(seconds=n + 1))
        for n, t in enumerate(repeated)
    ]
    return draw(st.permutations(touches + again))


def row(touch: Touch, project: str) -> dict[str, object]:
    """What intake would have written."""
    return {
        "project": project,
        "source": "test",
        "id": str(touch.id),
        "name": touch.name,
        "schema_version": "1-0-0",
        "channel": touch.channel,
        "occurred_at": touch.occurred_at,
        "client_occurred_at": touch.occurred_at,
        "sent_at": None,
        "received_at": touch.received_at,
        "ids": {kind: list(values) for kind, values in touch.ids.items()},
        "placeholders": list(touch.placeholders),
        "context": {},
        "properties": {},
        "consent": {},
        "revenue": "10.50" if touch.name == "order_completed" else None,
        "currency": "EUR" if touch.name == "order_completed" else "",
    }


def store(client: Client, project: str, touches: list[Touch]) -> None:
    """Insert touchpoints as delivery does."""
    store_rows(client, [row(one, project) for one in touches])


def store_rows(client: Client, rows: Iterable[Mapping[str, object]]) -> None:
    """Insert rows as delivery does."""
    lines = b"".join(orjson.dumps(one, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE) for one in rows)
    client.raw_insert("touchpoints", insert_block=lines, fmt="JSONEachRow", settings=dict(INSERT_SETTINGS))
