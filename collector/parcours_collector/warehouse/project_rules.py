"""What a project says of its journeys: gaps, currency and order of stages, and what its touchpoints mean.

Both are rows that are inserted, never updated; the newest counts. Views read them through dictionaries.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace

from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.dictionaries import reload_dictionary
from parcours_collector.warehouse.sql import read_sql

STAGES = ("awareness", "consideration", "purchase", "use", "loyalty", "advocacy")
"""The catalogue's stages, in order."""

LONGEST_GAP_SECONDS = 2**32 - 1
"""What the columns of the gaps hold: 136 years."""


@dataclass(frozen=True, slots=True)
class ProjectRules:
    """When sessions and journeys end, what revenue is counted in, and for how long everything is kept.

    Attributes:
        session_gap_seconds: A longer silence on one channel family ends a session.
        journey_gap_seconds: A longer silence ends a journey.
        currency: What revenue is counted in.
        stages: The stages in their order; none: the catalogue's.
        keep_days: What happened longer ago is deleted; 0: nothing is.
    """

    session_gap_seconds: int = 1800
    journey_gap_seconds: int = 2_592_000
    currency: str = "EUR"
    stages: Sequence[str] = ()
    keep_days: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of touchpoint means to a project; `is_own`: the project has said so itself."""

    name: str
    channel: str = ""
    stage: str = ""
    need: str = ""
    valence: str = ""
    conversion: bool = False
    version: str = ""
    is_own: bool = False


def read_rules(client: Client, project: str) -> ProjectRules:
    """Return a project's rules; the defaults when it has set none."""
    rows = client.query(read_sql("projects/rules"), parameters={"project": project}).result_rows
    return ProjectRules(*rows[0]) if rows else ProjectRules()


def write_rules(client: Client, project: str, rules: ProjectRules) -> None:
    """Replace a project's rules; views follow at once."""
    columns = ("project", *(field.name for field in fields(ProjectRules)))
    row = (project, *astuple(replace(rules, stages=list(rules.stages))))
    client.insert("projects", [row], column_names=columns)
    reload_dictionary(client, "project_settings")


def read_kinds(client: Client, project: str) -> dict[str, Kind]:
    """Return every kind that a project's views know, by name."""
    rows = client.query(read_sql("projects/kinds"), parameters={"project": project}).result_rows
    return {row[0]: Kind(*row) for row in rows}


def write_kind(client: Client, project: str, kind: Kind) -> None:
    """Say what a kind means to a project; views follow at once."""
    columns = ("project", "name", "channel", "stage", "need", "valence", "conversion", "version")
    client.insert("touchpoint_kinds", [(project, *astuple(kind)[:-1])], column_names=columns)
    reload_dictionary(client, "kind_of")


def remove_kind(client: Client, project: str, name: str) -> None:
    """Let a kind mean again what it means to every project."""
    client.command(read_sql("projects/remove_kind"), parameters={"project": project, "name": name})
    reload_dictionary(client, "kind_of")
