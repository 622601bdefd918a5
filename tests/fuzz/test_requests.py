"""No hostile input is answered with 5xx, ends the collector, or makes it grow."""

import asyncio
import json
import os
from pathlib import Path

import psutil

from tests.fuzz.hostile import Drawer, Hostile
from tests.running import CollectorProcess, add_source

INPUTS = int(os.environ.get("FUZZ_INPUTS", "6000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
WARM_UP_INPUTS = max(8_000, INPUTS // 20)
CONNECTIONS = 4
MOST_GROWTH_BYTES = 32 * 1024**2
_CALM = {
    "PARCOURS_STITCHING__INTERVAL_SECONDS": "0",
    "PARCOURS_SHUTDOWN_SECONDS": "0",
    "PARCOURS_HTTP__DUPLICATE_WINDOW_EVENTS": "1000",
    "PARCOURS_WAL__SEGMENT_BYTES": "8388608",
}


class Sender:
    """Sends hostile requests over kept-alive connections, one after the other, and looks at what comes back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.inputs = 0
        self.statuses: dict[int, int] = {}

    async def send(self, drawer: Drawer, inputs: int) -> None:
        sent = 0
        while sent < inputs:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                while sent < inputs:
                    hostile = drawer.request()
                    sent += hostile.inputs
                    if not await self._exchange(hostile, reader, writer):
                        break
            finally:
                writer.close()
        self.inputs += sent

    async def _exchange(self, hostile: Hostile, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Send one; return whether the connection goes on."""
        writer.write(hostile.request)
        try:
            async with asyncio.timeout(60):
                head = await reader.readuntil(b"\r\n\r\n")
                status = int(head.split(b" ", 2)[1])
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                is_head = hostile.request.startswith(b"HEAD ")
                body = b"" if is_head or not length else await reader.readexactly(int(length))
        except (ConnectionError, asyncio.IncompleteReadError):
            self.statuses[0] = self.statuses.get(0, 0) + 1
            return False
        self.statuses[status] = self.statuses.get(status, 0) + 1
        assert status < 500, (status, body, hostile.request[:2000])
        if status == 200 and hostile.sum_must_be is not None:
            receipt = json.loads(body)
            assert receipt["accepted"] + receipt["duplicate"] + len(receipt["rejected"]) == hostile.sum_must_be
        return status != 413 and b"close" not in head.lower().partition(b"\r\nconnection:")[2].partition(b"\r\n")[0]


def test_hostile_requests_cost_nothing(tmp_path: Path) -> None:
    source = add_source(tmp_path, "fuzz", "fuzz")
    with CollectorProcess(tmp_path, "http://nobody:nothing@127.0.0.1:9", environment=_CALM) as running:
        process = psutil.Process(running.pid)
        sender = Sender(running.port)

        async def spread(first_seed: int, inputs: int) -> None:
            await asyncio.gather(
                *(
                    sender.send(Drawer(first_seed + number, source.write_key), inputs // CONNECTIONS)
                    for number in range(CONNECTIONS)
                )
            )

        asyncio.run(spread(SEED * 1_000_003, WARM_UP_INPUTS))
        before = process.memory_info().rss
        asyncio.run(spread(SEED * 1_000_003 + 100, INPUTS))
        after = process.memory_info().rss
        assert process.is_running()
        assert running.stop() == 0
    said = {
        "inputs": sender.inputs,
        "answers": dict(sorted(sender.statuses.items())),
        "resident_before_mib": round(before / 1024**2, 1),
        "resident_after_mib": round(after / 1024**2, 1),
    }
    if "FUZZ_REPORT" in os.environ:
        Path(os.environ["FUZZ_REPORT"]).write_text(json.dumps(said) + "\n")
    assert 200 in sender.statuses
    assert after - before < MOST_GROWTH_BYTES, said
    assert "request_failed" not in (tmp_path / "collector.log").read_text()
