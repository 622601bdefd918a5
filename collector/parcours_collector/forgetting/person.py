"""Who is to be forgotten: every identifier of the person, and what is held of them."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from clickhouse_connect.driver.client import Client

from parcours_collector.errors import OperatorError
from parcours_collector.forgetting.writings import naming_pattern
from parcours_collector.warehouse.sql import read_sql


class NobodyKnown(OperatorError):
    """Nobody is known by this identifier."""

    tag = "nobody_known"
    remedy = "Check kind, value and --project. To keep an identifier out that was never seen, give --unseen."


@dataclass(frozen=True, slots=True)
class Held:
    """How many rows of each table are of a person."""

    touchpoints: int
    dead_letters: int
    identity_edges: int
    identity_persons: int
    identity_cuts: int
    identity_moves: int
    touchpoint_owners: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(astuple(self))


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A person to forget: their identifiers as they are kept at rest, and the numbers that stand for them."""

    project: str
    identifiers: tuple[tuple[str, str], ...]
    numbers: tuple[int, ...]

    @property
    def parameters(self) -> dict[str, object]:
        """What the statements of the warehouse are asked with."""
        return {
            "project": self.project,
            "identifiers": list(self.numbers),
            "naming": naming_pattern(value for _, value in self.identifiers),
        }


def find_person(
    client: Client, project: str, asked: Sequence[Sequence[tuple[str, str]]], *, whole: bool, unseen: bool
) -> Forgotten:
    """Return everything by which the people behind these identifiers are known.

    Args:
        client: A client of the migrated database.
        project: Theirs.
        asked: For each identifier, the kinds and values under which it may be kept at rest.
        whole: Every identifier of the person; else only those asked for.
        unseen: Take identifiers too that nobody has been known by yet.

    Raises:
        NobodyKnown: Nobody is known by one of them.
    """
    found: dict[tuple[str, str], int] = {}
    for forms in asked:
        is_seen = False
        for kind, value in forms:
            rows = client.query(
                read_sql("forgetting/identifiers_of_person"),
                parameters={"project": project, "kind": kind, "value": value},
            ).result_rows
            is_seen = is_seen or bool(rows)
            for number, kind_found, value_found in rows:
                if whole or (kind_found, value_found) == (kind, value):
                    found[str(kind_found), str(value_found)] = int(number)
        if not is_seen and not unseen:
            raise NobodyKnown(f"Nobody of the project '{project}' is known by this {forms[0][0]}.")
    identifiers = tuple(sorted({*found, *(form for forms in asked for form in forms)}))
    return Forgotten(project, identifiers, tuple(sorted(found.values())))


def count_held(client: Client, person: Forgotten) -> Held:
    """Return what the warehouse holds of a person."""
    (counts,) = client.query(read_sql("forgetting/counts"), parameters=person.parameters).result_rows
    return Held(*map(int, counts))
