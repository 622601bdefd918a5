"""Rows to deliver, and what the engine holds of them: counted without FINAL, so that no merge hides a second copy."""

import json
import random
import uuid
from collections.abc import Sequence

from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import RecordKind
from parcours_collector.warehouse.client import connect


def touchpoint(project: str, **changes: object) -> bytes:
    row = {
        "project": project,
        "source": "site",
        "id": str(uuid.uuid4()),
        "name": "product_viewed",
        "schema_version": "1-0-0",
        "channel": "web",
        "occurred_at": "2026-11-21T10:00:00.000000Z",
        "client_occurred_at": f"2026-{random.randrange(1, 13):02d}-21T10:00:00.000000Z",  # many partitions
        "sent_at": None,
        "received_at": "2026-11-21T10:00:01.000001Z",
        "ids": {"anonymous_id": [uuid.uuid4().hex]},
        "placeholders": [],
        "context": {"url": "https://shop.example/"},
        "properties": {"product_id": "tv-55", "nested": {"a": [1, 2]}},
        "consent": {"analytics": True},
        "revenue": "12.50",
        "currency": "EUR",
    }
    return json.dumps(row | changes).encode() + b"\n"


def touchpoints(project: str, count: int) -> bytes:
    return b"".join(touchpoint(project) for _ in range(count))


def count(url: str, table: str, project: str) -> int:
    with connect(url) as client:
        answer = client.query(
            f"SELECT count() FROM {table} WHERE project = {{project:String}}",
            parameters={"project": project},
        )
        return int(answer.result_rows[0][0])


async def append(wal: WriteAheadLog, payloads: Sequence[bytes]) -> None:
    for payload in payloads:
        await wal.append([(RecordKind.TOUCHPOINTS, payload)])
