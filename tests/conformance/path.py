"""The ways people take: links, drop-offs and transformed paths, asked by the names that a case gives its events."""

from itertools import pairwise
from typing import Any

from parcours_collector.atlas.paths import path_links, path_steps, path_walks
from parcours_collector.atlas.walks import Walks
from tests.conformance.case import Case
from tests.conformance.world import LABEL, World

UNORDERED = frozenset({"links", "persons"})
_GAP_IS_OF_THE_SESSION_BEFORE = {"posthog": False}
"""Whether a pause of exactly the session's gap stays in it, by whose rules a case states; it does in Parcours."""
_INSTANT_SECONDS = 0.001


def answer(world: World, case: Case) -> dict[str, Any]:
    """Send the case's events, and say which links their paths have, who takes them and who leaves where."""
    world.send(case.events)
    query = case.query
    walks = _walks(world, query)
    transforms = query.get("transforms") or []
    if transforms:
        return {name: _text(world, path_walks(world.client, walks, transforms=[name]).rows) for name in transforms}
    limit = query.get("step_limit")
    links = path_links(world.client, walks, step_limit=limit)
    steps = path_steps(world.client, walks, step_limit=limit)
    told: dict[str, Any] = {
        "links": [
            {
                "from": f"{link.position}_{world.shown(link.from_node)}",
                "to": f"{link.position + 1}_{world.shown(link.to_node)}",
                "n": link.walks,
                "avg_s": link.avg_seconds,
            }
            for link in links
        ],
        "reach": {f"{step.position}_{world.shown(step.node)}": step.people for step in steps},
        "continue": {f"{step.position}_{world.shown(step.node)}": step.people_on for step in steps},
        "dropoff": {f"{step.position}_{world.shown(step.node)}": step.people_ended for step in steps},
    }
    takers: dict[str, set[str]] = {}
    for walk in path_walks(world.client, walks, step_limit=limit, limit=1_000_000):
        for place, (before, after) in enumerate(pairwise(walk.path), 1):
            takers.setdefault(f"{place}_{world.shown(before)}>{place + 1}_{world.shown(after)}", set()).add(
                world.person_names[walk.person_id]
            )
    told["persons"] = {link: sorted(people) for link, people in takers.items()}
    return told


def _walks(world: World, query: dict[str, Any]) -> Walks:
    strip = bool(query.get("strip_trailing_slash"))
    gap = query.get("session_gap_s")
    if gap is not None and not _GAP_IS_OF_THE_SESSION_BEFORE.get(str(query.get("profile")), True):
        gap -= _INSTANT_SECONDS
    return Walks(
        node=f"properties.{LABEL}",
        max_gap_seconds=gap,
        strip_slash=strip,
        groups=query.get("group") or (),
        collapse=bool(query.get("collapse_repeats")),
        start_node=_bare(query.get("start"), strip=strip),
        end_node=_bare(query.get("end"), strip=strip),
        project=world.project,
    )


def _bare(node: str | None, *, strip: bool) -> str | None:
    return node[:-1] if node and strip and len(node) > 1 and node.endswith("/") else node


def _text(world: World, walks: Any) -> str:
    return " > ".join(map(world.shown, walks[0].path)) if walks else ""
