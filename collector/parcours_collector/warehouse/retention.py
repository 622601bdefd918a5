"""Delete what a project no longer keeps: touchpoints, dead letters, evidence, and identifiers that nothing carries.

Repeating it is harmless, and so is being killed in between: the next run deletes what is left. Whoever is joined by
nothing that is kept is two people again.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.sql import read_sql
from parcours_collector.warehouse.stitching import stitch

_TABLES = (
    "touchpoints",
    "dead_letters",
    "identity_edges",
    "identity_persons",
    "identity_cuts",
    "identity_moves",
    "touchpoint_owners",
)


@dataclass(frozen=True, slots=True)
class Expired:
    """What of a project happened (or, of letters, was received) before `before_at`, in stored rows."""

    project: str
    before_at: datetime
    touchpoints: int
    dead_letters: int
    identity_edges: int

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to delete."""
        return not (self.touchpoints or self.dead_letters or self.identity_edges)


def keeping_projects(client: Client) -> dict[str, int]:
    """Return the projects that keep for a time only, and for how many days."""
    return {str(name): int(days) for name, days in client.query(read_sql("retention/projects")).result_rows}


def expired(client: Client, project: str, keep_days: int, now: datetime | None = None) -> Expired:
    """Return what a project no longer keeps."""
    before_at = (now or datetime.now(UTC)) - timedelta(days=keep_days)
    parameters = {"project": project, "before_at": before_at}
    ((touchpoints, letters, edges),) = client.query(read_sql("retention/counts"), parameters=parameters).result_rows
    return Expired(project, before_at, int(touchpoints), int(letters), int(edges))


def delete_expired(client: Client, found: Expired) -> None:
    """Delete what was found, and everything that has expired beside it; numbers follow at once."""
    if found.is_nothing:
        return
    parameters = {"project": found.project, "before_at": found.before_at}
    client.command(read_sql("retention/note_changes"), parameters=parameters)
    for table in _TABLES:
        client.command(read_sql(f"retention/delete_{table}"), parameters=parameters)
    client.command(read_sql("retention/note_left"), parameters=parameters)
    if found.touchpoints:
        client.command(read_sql("forgetting/forget_moves"))
    if found.identity_edges:
        stitch(client, full=True)
    JourneyIndex(client, linger_seconds=0).refresh()
