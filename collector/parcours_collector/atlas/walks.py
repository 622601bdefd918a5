"""Which walks a question of the network looks at: what a node is, where walks are cut, where they begin and end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

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
