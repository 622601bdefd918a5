"""Names of touchpoints in questions: a wrong one is refused with those that are near."""

from collections.abc import Iterable
from difflib import get_close_matches

from clickhouse_connect.driver.client import Client

from parcours_collector.errors import OperatorError
from parcours_collector.warehouse.sql import read_sql


class UnknownTouchpoint(OperatorError):
    """A question names a touchpoint that was never recorded or declared."""

    tag = "unknown_touchpoint"
    remedy = "`parcours schemas list` shows the names."


def known_names(client: Client, *, project: str | None = None) -> frozenset[str]:
    """Return the names of touchpoints that were recorded, if only once, or that the catalogue or the plan knows."""
    answer = client.query(read_sql("questions/known_names"), parameters={"project": project})
    return frozenset(name for (name,) in answer.result_rows)


def refuse_unknown(client: Client, names: Iterable[str], *, project: str | None) -> None:
    """Return when every name was recorded, or is of the catalogue or a tracking plan.

    Raises:
        UnknownTouchpoint: One is not; it says which names are near.
    """
    asked = dict.fromkeys(names)
    if not asked or _are_recorded(client, list(asked), project):
        return
    known = known_names(client, project=project)
    for name in asked:
        if name not in known:
            near = get_close_matches(name, sorted(known), n=3)
            remedy = f"Did you mean {' or '.join(near)}?" if near else UnknownTouchpoint.remedy
            raise UnknownTouchpoint(f"No touchpoint is called '{name}'.", remedy=remedy)


def _are_recorded(client: Client, names: list[str], project: str | None) -> bool:
    """Return whether all of them are in the index, where nearly every question's are: half of what the rest costs."""
    parameters = {"names": names, "project": project}
    ((recorded,),) = client.query(read_sql("questions/names_recorded"), parameters=parameters).result_rows
    return int(recorded) == len(names)
