"""The whole text of a view or a question, where its file leaves a place for that of another view.

A view inside a view is analysed once more for each view around it, and one that is asked of everybody reads everybody;
a text in its place is neither.
"""

import re
from functools import cache

from parcours_collector.warehouse.sql import read_sql

_OF = re.compile(r"/\* (?P<view>\w+) of (?P<relation>\w+) \*/")
_QUERY = re.compile(
    r"/\* the query of (?P<view>\w+)(?: without (?P<other>\w+))?(?: with (?P<parameter>\w+) = (?P<value>[^*]+))? \*/"
)
_LAST_ORDER = re.compile(r"\nORDER BY\n(?:    [^\n]+\n?)+\Z")


@cache
def view_text(name: str) -> str:
    """Return the statement that makes a view.

    A file may hold `/* VIEW of RELATION */` in the place of a query: the text of that view stands there, with the one
    relation that it reads replaced. So a question of one person repeats no rule, and reads no other person.

    `/* the query of VIEW */` stands for the whole text of that view: its parameters are then those of both, named once.
    Its order stays behind: inside another query it says nothing, and sorts all the same. In `/* the query of VIEW with
    PARAMETER = EXPRESSION */` the expression stands for that parameter. `/* the query of VIEW without OTHER */` leaves
    the query of OTHER out of a union, wherever it stands in VIEW: who knows that it has no row spares its analysis.
    """
    return _whole(read_sql(f"views/{name}"))


@cache
def question_text(name: str) -> str:
    """Return the text of a question, as `view_text` does of a view."""
    return _whole(read_sql(f"questions/{name}"))


def _whole(text: str) -> str:
    text = _QUERY.sub(_asked, text)
    return _OF.sub(lambda found: _query_over(found["view"], found["relation"]), text)


def _asked(found: re.Match[str]) -> str:
    view, other, parameter, value = found["view"], found["other"], found["parameter"], found["value"]
    text = _LAST_ORDER.sub("\n", _query(_text_without(view, other) if other else view_text(view), view))
    if parameter is None:
        return text
    return re.sub(rf"\{{{parameter}:[^}}]+\}}", lambda _: value, text)


def _text_without(view: str, other: str) -> str:
    """The text of a view but for the query of another, which stands in a union in it or in a view that it is of."""
    text = re.sub(
        rf"/\* the query of {other} \*/\s+UNION ALL\s+|\s+UNION ALL\s+/\* the query of {other} \*/",
        "",
        read_sql(f"views/{view}"),
    )
    return _whole(
        _QUERY.sub(lambda found: found[0].replace(found["view"], f"{found['view']} without {other}", 1), text)
    )


def _query(text: str, view: str) -> str:
    return text.partition(f"CREATE OR REPLACE VIEW {view} AS\n")[2]


def _query_over(view: str, relation: str) -> str:
    query = _query(read_sql(f"views/{view}"), view)
    return query.replace("FROM parcours.touchpoints_unique\n", f"FROM {relation}\n")
