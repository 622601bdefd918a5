"""The walks that a question of the network looks at: what a node is, where walks are cut, where they begin and end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.answer import Answer, ask
from parcours_collector.atlas.texts import one_or_more

Within = Literal["life", "session", "journey"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walks:
    """The choice that `node_walks` describes; every field may be left out.

    Attributes:
        node: `name`, `channel`, `name_channel`, `stage`, `source`, `place`, `properties.NAME` or `context.NAME`.
        within: A walk is a person's whole `life`, one `session` or one `journey`.
        max_gap_seconds: A longer pause cuts a life or a session too; journeys have their project's own gap.
        strip_slash: Take the trailing slash off nodes.
        groups: Patterns with `*` for anything; a node that contains one is called by it.
        collapse: A run of one node is one, at the time of its last touchpoint.
        start_node: Walks begin at their first such node; those without are left out.
        end_node: Walks end at the first such node from there; those without are left out.
        via: Only walks that pass this node.
        with_value: Count revenue too. It is read from the touchpoints, which takes longer than the journey index.
        project: Only this project.
        from_at: Only sessions and journeys that began at or after this aware instant; of lives, what was after it.
        to_at: Only those that began before this aware instant; of lives, what was before it.
    """

    node: str = "name"
    within: Within = "life"
    max_gap_seconds: float | None = None
    strip_slash: bool = False
    groups: str | Sequence[str] = ()
    collapse: bool = False
    start_node: str | None = None
    end_node: str | None = None
    via: str | None = None
    with_value: bool = False
    project: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of `node_walks`, by name."""
        return {
            "node": self.node,
            "within": self.within,
            "max_gap_seconds": self.max_gap_seconds,
            "strip_slash": self.strip_slash,
            "groups": "\n".join(one_or_more(self.groups)),
            "collapse": self.collapse,
            "start_node": self.start_node,
            "end_node": self.end_node,
            "via": self.via,
            "with_value": self.with_value,
            "project": self.project,
            "from_at": self.from_at,
            "to_at": self.to_at,
        }


ALL_WALKS = Walks()
"""Everybody's whole life, by name."""


@dataclass(frozen=True, slots=True)
class NodeWalk:
    """One walk: a person's nodes in the order of time.

    Attributes:
        project: Whose gaps and currency hold.
        person_id: The person as of the last stitching.
        walk_no: 1, 2, … for a person.
        times: Milliseconds since 1970, one a node.
        nodes: What was there.
        began_ms: Milliseconds since 1970 at which the whole life, session or journey began, or the piece of it that
            `max_gap_seconds` cuts, whatever of it are nodes.
        ended_ms: The same of its end.
        outcome: Of the whole journey: `converted`, `lost` or `open`; empty for lives and sessions.
        revenue: What the whole brought in the project's currency; None unless it was asked for.
    """

    project: str
    person_id: int
    walk_no: int
    times: list[int]
    nodes: list[str]
    began_ms: int
    ended_ms: int
    outcome: str
    revenue: float | None


def node_walks(
    client: Client,
    walks: Walks = ALL_WALKS,
    *,
    without_conversion: bool = False,
    with_empty: bool = False,
    limit: int = 1000,
) -> Answer[NodeWalk]:
    """Return up to `limit` walks as the questions of the network look at them, person by person.

    Args:
        client: A client of the migrated database.
        walks: Whose walks, and where they are cut.
        without_conversion: Take the conversion that a journey ends with off its nodes.
        with_empty: Keep walks that have no node; with `start_node`, `end_node` or `via` there are none.
        limit: At most so many rows.

    Raises:
        DatabaseError: There is no such node or `within`, or journeys are given a gap; it says what there is.
    """
    asked = {"without_conversion": without_conversion, "with_empty": with_empty, "limit": limit}
    return ask(client, "node_walks", NodeWalk, walks.parameters | asked)
