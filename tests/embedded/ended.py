"""A request is ended between two of its steps: `python -m tests.embedded.ended DIR` says, a line each, what came of it.

A process of its own, as an engine is opened once a process. The steps in which it is ended wait for an event instead
of for a statement's judge or a connection, which take a millisecond.
"""

import asyncio
import sys
import threading
from pathlib import Path

from parcours_collector.warehouse.embedded.engine import Connection, Engine
from parcours_collector.warehouse.embedded.errors import EngineError
from parcours_collector.warehouse.embedded.folder import DataFolder
from parcours_collector.warehouse.embedded.guard import Role
from parcours_collector.warehouse.embedded.options import Limits
from parcours_collector.warehouse.embedded.request import QueryRequest, read_request
from parcours_collector.warehouse.embedded.running import RunningQuery, Threads
from parcours_collector.warehouse.embedded.sessions import Sessions


class SlowToOpen(Engine):
    """Opens connections when it is told to."""

    def hold(self) -> threading.Event:
        """Connections wait for the event that is returned."""
        self.opening, self.gate = threading.Event(), threading.Event()
        self.opened: list[Connection] = []
        return self.gate

    def connect(self) -> Connection:
        """A connection, once the gate is open."""
        connection = super().connect()
        if hasattr(self, "gate"):
            self.opening.set()
            self.gate.wait()
            self.opened.append(connection)
        return connection


def is_open(connection: Connection) -> bool:
    """Whether statements still run on it."""
    try:
        connection.query("SELECT 1")
    except EngineError:
        return False
    return True


def outcome(found: object, connection: Connection, *steps: str) -> str:
    """A line: how the call ended, what is left of the connection, and which steps ran all the same."""
    how = str(found.code) if isinstance(found, EngineError) else type(found).__name__
    return " ".join((how, "open" if is_open(connection) else "closed", *steps))


async def ended_while_it_is_judged(engine: Engine, threads: Threads, request: QueryRequest) -> str:
    """The step that follows the judging is refused."""
    query = RunningQuery(engine, Sessions(engine, 4), threads, request)
    await query.open()
    reached, judged = threading.Event(), threading.Event()

    def judge() -> bool:
        reached.set()
        return judged.wait()

    judging = asyncio.create_task(query.call(judge))
    await asyncio.to_thread(reached.wait)
    ended = query.end()
    judged.set()
    await judging
    steps: list[str] = []
    (found,) = await asyncio.gather(query.call(steps.append, "a further one"), return_exceptions=True)
    await ended
    return outcome(found, query.lease.connection, *steps)


async def ended_while_it_is_opened(engine: SlowToOpen, threads: Threads, request: QueryRequest, *, gone: bool) -> str:
    """What was opened is closed; `gone`: the client, whose request is cancelled with it."""
    gate = engine.hold()
    query = RunningQuery(engine, Sessions(engine, 4), threads, request)
    opening = asyncio.create_task(query.open())
    await asyncio.to_thread(engine.opening.wait)
    ended = query.end()
    if gone:
        opening.cancel()
    del engine.gate  # a kill has a connection of its own
    gate.set()
    (found,) = await asyncio.gather(opening, return_exceptions=True)
    await ended
    (connection,) = engine.opened
    return outcome(found, connection)


def say(line: str) -> None:
    """A line of the report."""
    sys.stdout.write(f"{line}\n")


async def main(folder: DataFolder) -> None:
    """Each case on one engine, which closes at the end."""
    threads = Threads(2)
    request = read_request("POST", (), {}, Role.OWNER)
    with SlowToOpen(folder, Limits()) as engine:
        say(await ended_while_it_is_judged(engine, threads, request))
        say(await ended_while_it_is_opened(engine, threads, request, gone=False))
        say(await ended_while_it_is_opened(engine, threads, request, gone=True))
        threads.close()


if __name__ == "__main__":
    with DataFolder.open(Path(sys.argv[1])) as opened:
        asyncio.run(main(opened))
