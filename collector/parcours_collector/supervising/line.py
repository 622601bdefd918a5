"""The line between a supervisor and a worker: one JSON object a line, over a pair of sockets.

From the worker: `{"ready": true}`, `{"measures": rows}` when asked and at its end, `{"whole": id, "each": bool}` to ask
for everybody's metrics. From the supervisor: `{"measure": true}`, `{"serve": slot}` and `{"leave": slot}` for the
connections of another worker's slot, and `{"whole": id, "text": …}`. The line's end is the other's end.
"""

import asyncio
import socket
from typing import Any

import orjson

_LONGEST_BYTES = 32 * 1024**2
"""Of one message: the metrics of a worker with a few hundred sources take some hundred kilobytes."""


class Line:
    """One end of the line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, sock: socket.socket) -> "Line":
        """Return the line over one socket of a pair."""
        return cls(*await asyncio.open_unix_connection(sock=sock, limit=_LONGEST_BYTES))

    def send(self, **message: Any) -> None:
        """Send a message; to an end that is gone it is lost."""
        if not self._writer.is_closing():
            self._writer.write(orjson.dumps(message) + b"\n")

    async def receive(self) -> dict[str, Any] | None:
        """Return the next message, or None when the other end is gone."""
        try:
            line = await self._reader.readline()
        except (ConnectionError, ValueError):
            return None
        if not line.endswith(b"\n"):
            return None
        message: dict[str, Any] = orjson.loads(line)
        return message

    async def close(self) -> None:
        """Send what is left and close."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except (ConnectionError, asyncio.CancelledError):
            return
