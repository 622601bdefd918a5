"""Unmerging as data: evidence that somebody has said is not to be heard. Taking a cut back joins again.

The evidence itself stays, so nothing is lost by a cut, and whoever looks sees who cut what, when and why.
"""

from dataclasses import dataclass
from datetime import datetime

from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.sql import read_sql
from parcours_collector.warehouse.stitching import StitchingRun, stitch

Identifier = tuple[str, str]
"""Kind and value, as they are kept at rest."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Evidence that is not heard: between two identifiers, or all of one (`other` is None)."""

    one: Identifier
    other: Identifier | None
    reason: str
    changed_at: datetime


def cut(client: Client, project: str, one: Identifier, other: Identifier | None = None, *, reason: str) -> StitchingRun:
    """Hear no evidence between two identifiers, or none of one, from now on; people follow at once.

    They stay one person while other evidence joins them: cut that too.
    """
    return _write(client, project, one, other, is_cut=True, reason=reason)


def take_back(
    client: Client, project: str, one: Identifier, other: Identifier | None = None, *, reason: str = ""
) -> StitchingRun:
    """Hear the evidence again; people follow at once."""
    return _write(client, project, one, other, is_cut=False, reason=reason)


def cuts(client: Client, project: str) -> list[Cut]:
    """Return what is cut in a project, the oldest first."""
    rows = client.query(read_sql("cutting/cuts"), parameters={"project": project}).result_rows
    return [
        Cut((a_kind, a_value), (b_kind, b_value) if b_kind else None, reason, changed_at)
        for a_kind, a_value, b_kind, b_value, reason, changed_at in rows
    ]


def is_seen(client: Client, project: str, identifier: Identifier) -> bool:
    """Whether a touchpoint ever carried this identifier."""
    kind, value = identifier
    parameters = {"project": project, "kind": kind, "value": value}
    return bool(client.query(read_sql("cutting/seen"), parameters=parameters).result_rows)


def _write(
    client: Client, project: str, one: Identifier, other: Identifier | None, *, is_cut: bool, reason: str
) -> StitchingRun:
    (kind, value), (other_kind, other_value) = one, other or ("", "")
    client.command(
        read_sql("cutting/write"),
        parameters={
            "project": project,
            "kind": kind,
            "value": value,
            "other_kind": other_kind,
            "other_value": other_value,
            "is_cut": is_cut,
            "reason": reason,
        },
    )
    return stitch(client, full=True)
