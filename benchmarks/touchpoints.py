"""The touchpoints that are sent: a shop's usual ones, as `Tracker.emit` writes them, the same for the same numbers.

Fifteen touchpoints of looking and choosing for one order; some 550 bytes each on the wire. Ids are UUIDv7 of this
minute, never the same twice, since a collector answers a repeated id without doing its work.
"""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson

from parcours_collector.intake.identifier_keys import IdentifierKeys
from parcours_collector.intake.steps import Circumstances, run_steps
from parcours_schemas.validation import Refusal, validate

_BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
)
_CAMPAIGNS: tuple[dict[str, str], ...] = (
    {"source": "newsletter", "medium": "email", "name": "autumn"},
    {"source": "search", "medium": "cpc", "name": "autumn"},
)


def wire_touchpoints(seed: int, count: int) -> Iterator[bytes]:
    """Yield touchpoints as JSON.

    Args:
        seed: Another one gives other touchpoints.
        count: How many.
    """
    draw = random.Random(seed)
    now_ms = time.time_ns() // 1_000_000
    occurred_at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    for number in range(count):
        event_id = _uuid7(now_ms, draw)
        person = draw.randrange(50_000)
        name, properties = _said(draw, number)
        yield orjson.dumps(
            {
                "id": event_id,
                "name": name,
                "schema": "1-0-0",
                "occurred_at": occurred_at,
                "channel": "web",
                "ids": {"anonymous_id": f"a-{person:08x}"} | ({"user_id": f"u-{person}"} if person % 10 == 0 else {}),
                "context": _context(draw, person),
                "properties": properties,
                "consent": {"analytics": True},
            }
        )


def rows(seed: int, count: int, project: str) -> Iterator[bytes]:
    """Yield the same touchpoints as rows of the table, each a line of JSON: what intake keeps of them."""
    around = Circumstances(
        project=project,
        source="benchmark",
        received_at=datetime.now(UTC) + timedelta(seconds=1),
        sent_at=None,
        may_hold_clear_identifiers=False,
        identifier_keys=IdentifierKeys((b"benchmark",)),
        phone_region=None,
        clock_tolerance=timedelta(seconds=60),
    )
    for wire in wire_touchpoints(seed, count):
        accepted = validate(orjson.loads(wire), plan=None, received_at=around.received_at)
        assert not isinstance(accepted, Refusal), accepted
        yield orjson.dumps(run_steps(accepted, around), option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


def _context(draw: random.Random, person: int) -> dict[str, object]:
    """Half of all people hold a phone, and every fourth visit comes from a campaign, half of those by e-mail.

    It matters: `Mobile` and `email` make the collector look closer for what may not be kept in clear.
    """
    context: dict[str, object] = {
        "url": f"https://shop.example/televisions/tv-{person % 500}",
        "referrer": "https://search.example/",
        "user_agent": _BROWSERS[person % 2],
    }
    if draw.randrange(4) == 0:
        context["campaign"] = draw.choice(_CAMPAIGNS)
    return context


def _said(draw: random.Random, number: int) -> tuple[str, dict[str, object]]:
    product = {
        "product_id": f"tv-{draw.randrange(500)}",
        "name": "Television 55 inches",
        "category": "televisions",
        "price": "799.00",
        "quantity": 1,
    }
    match number % 16:
        case 0 | 1 | 2 | 3 | 4:
            return "page_viewed", {"path": "/televisions", "title": "Televisions"}
        case 15:
            order = {"order_id": f"o-{draw.getrandbits(48):x}", "total": "799.00", "currency": "EUR"}
            return "order_completed", order | {"products": [product]}
        case 13 | 14:
            return "product_added", product | {"currency": "EUR", "cart_id": f"c-{draw.getrandbits(32):x}"}
        case _:
            return "product_viewed", product | {"currency": "EUR"}


def _uuid7(unix_ms: int, draw: random.Random) -> str:
    digits = f"{unix_ms:012x}7{draw.getrandbits(12):03x}{8 | draw.getrandbits(2):x}{draw.getrandbits(60):015x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
