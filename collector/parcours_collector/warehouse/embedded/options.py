"""What an engine is started with: its folder, its door, its limits. Values only."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


def physical_memory_bytes() -> int:
    """The machine's memory, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that no request can lift.

    Args:
        max_memory_bytes: of one query; the default is half of the machine's memory.
        max_server_memory_bytes: of all queries together; the default is 80 % of the machine's memory.
        max_execution_seconds: of one query, 0 for none.
        max_concurrent_queries: queries at the same time; one more is answered 202 TOO_MANY_SIMULTANEOUS_QUERIES.
        max_query_bytes: of the text of one statement, without an insert's data.
        max_sessions: sessions kept at the same time.
    """

    max_memory_bytes: int = field(default_factory=lambda: physical_memory_bytes() // 2)
    max_server_memory_bytes: int = field(default_factory=lambda: physical_memory_bytes() * 8 // 10)
    max_execution_seconds: int = 3600
    max_concurrent_queries: int = 32
    max_query_bytes: int = 1 << 20
    max_sessions: int = 256


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Everything `parcours clickhouse` can be told.

    Args:
        data: the folder of the engine; nothing outside of it is ever written.
        host: address to listen on.
        port: TCP port, 0 for any free one.
        allowed_hosts: names accepted in `Host` besides IP addresses and `localhost`.
        limits: bounds of queries.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8123
    allowed_hosts: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)
