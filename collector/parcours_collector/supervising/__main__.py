"""The supervisor as a program of its own, which `parcours collector --workers` becomes once its settings are good.

It needs none of the libraries that a worker stands on, so it holds a third of the memory.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import orjson

from parcours_collector.logs import configure_logs
from parcours_collector.supervising.supervisor import Supervisor


def become_supervisor(
    listeners: Sequence[socket.socket],
    environment: Mapping[str, str],
    *,
    endpoint: str,
    end_seconds: float,
    log_format: str,
) -> NoReturn:
    """Replace this program by a supervisor with the same process id.

    Args:
        listeners: One for each worker.
        environment: Of the workers.
        endpoint: What to announce once all workers accept connections.
        end_seconds: How long a worker may take to end.
        log_format: `console` or `json`.
    """
    for listener in listeners:
        listener.set_inheritable(True)
    task = {
        "listeners": [listener.fileno() for listener in listeners],
        "endpoint": endpoint,
        "end_seconds": end_seconds,
        "log_format": log_format,
    }
    sys.stdout.flush()
    os.execve(  # noqa: S606 - no shell is wanted
        sys.executable,
        [sys.executable, "-P", "-m", "parcours_collector.supervising", orjson.dumps(task).decode()],
        dict(environment),
    )


def main() -> int:
    """Run the supervisor that the only argument describes, and return its exit status."""
    task: dict[str, Any] = orjson.loads(sys.argv[1])
    configure_logs(task["log_format"])
    descriptors = [int(one) for one in task["listeners"]]
    held = {descriptor: socket.socket(fileno=descriptor) for descriptor in set(descriptors)}
    for listener in held.values():
        listener.set_inheritable(False)  # workers are given them by number
    supervisor = Supervisor(
        [held[descriptor] for descriptor in descriptors],
        command=(sys.executable, "-P", "-m", "parcours_collector", "collector"),
        environment=os.environ,
        end_seconds=float(task["end_seconds"]),
    )
    return asyncio.run(supervisor.run(lambda: print(f"collector listens on {task['endpoint']}", flush=True)))  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
