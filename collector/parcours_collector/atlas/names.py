"""Names of touchpoints in questions: a wrong one is refused with those that are near."""

from collections.abc import Iterable
from difflib import get_close_matches

from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.questions import known_names
from parcours_collector.errors import OperatorError


class UnknownTouchpoint(OperatorError):
    """A question names a touchpoint that was never recorded or declared."""

    tag = "unknown_touchpoint"
    remedy = "`parcours schemas list` shows the names."


def refuse_unknown(client: Client, names: Iterable[str], *, project: str | None) -> None:
    """Return when every name was recorded, or is of the catalogue or a tracking plan.

    Raises:
        UnknownTouchpoint: One is not; it says which names are near.
    """
    known = known_names(client, project=project)
    for name in names:
        if name not in known:
            near = get_close_matches(name, sorted(known), n=3)
            remedy = f"Did you mean {' or '.join(near)}?" if near else UnknownTouchpoint.remedy
            raise UnknownTouchpoint(f"No touchpoint is called '{name}'.", remedy=remedy)
