"""A migrated embedded engine of the benchmark's own, in a folder that goes with it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clickhouse_connect.driver.client import Client

from benchmarks.rig.processes import cpu_seconds
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.migrations import migrate


@dataclass(frozen=True, slots=True)
class Engine:
    """Where it answers, and whose CPU time it uses."""

    url: str
    pid: int

    @property
    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    def make_tables_again(self) -> None:
        """Drop everything, also what is remembered of earlier inserts, and migrate."""
        with connect(self.url, database="default") as client:
            client.command("DROP DATABASE IF EXISTS parcours SYNC")
        migrate(self.url)


@contextmanager
def running_engine() -> Iterator[Engine]:
    """Start an engine with empty tables; end it and remove its data on leaving."""
    with (
        tempfile.TemporaryDirectory(prefix="parcours-bench-") as folder,
        EngineProcess.start(Path(folder) / "clickhouse") as process,
    ):
        migrate(process.url)
        yield Engine(process.url, process.pid)


def count(client: Client, table: str) -> int:
    """Return the rows of a table, every copy counted."""
    return int(client.query(f"SELECT count() FROM {table}").result_rows[0][0])  # noqa: S608 - a table of ours
