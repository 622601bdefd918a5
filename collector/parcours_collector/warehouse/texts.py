"""The whole text of a view or a question, where its file leaves a place for that of another view.

A view inside a view is analysed once more for each view around it, and one that is asked of everybody reads everybody;
a text in its place is neither.
"""

import re
from functools import cache, lru_cache

from parcours_collector.warehouse.sql import read_sql

_OF = re.compile(r"/\* (?P<view>\w+) of (?P<relation>\w+) \*/")
_QUERY = re.compile(
    r"/\* the (?P<what>query|rows) of (?P<view>\w+)(?: over (?P<source>\w+))?"
    r"(?: with (?P<parameter>\w+) = (?P<value>[^*]+))? \*/"
)
_PARAMETER = re.compile(r"\{(\w+):[^}]+\}")
_PART = re.compile(
    r"/\* (?P<name>(?!else\b)\w+): \*/(?P<part>(?:(?!/\* \w+: \*/).)*?)/\* else:(?P<instead>[^*]*)\*/", re.DOTALL
)
_MARK = re.compile(r"/\* ((?!else\b)\w+):? \*/")
_NAMED = re.compile(
    r"^(?P<ahead> *)(?P<name>\w+) AS\n(?P=ahead)\(\n(?P<body>.*?)\n(?P=ahead)\)(?:,\n|\n)", re.DOTALL | re.MULTILINE
)
_COMMENT = re.compile(r"--[^\n]*")
_COMMENTS = r"(\s*(?:--[^\n]*\n\s*)*)"
_LAST_COMMA = re.compile(rf",{_COMMENTS}SELECT\b")
_EMPTY_WITH = re.compile(rf"\bWITH\b{_COMMENTS}SELECT\b")
_OF_QUESTIONS = ("few",)
"""Parts of questions alone: in a view they cost each that asks it their analysis, changing nothing or not."""
_LAST_ORDER = re.compile(r"\nORDER BY\n(?:    [^\n]+\n?)+\Z")


@lru_cache(maxsize=256)
def view_text(name: str, without: tuple[str, ...] = ()) -> str:
    """Return the statement that makes a view.

    A file may hold `/* VIEW of RELATION */` in the place of a query: the text of that view stands there, with the one
    relation that it reads replaced. So a question of one person repeats no rule, and reads no other person.

    `/* the query of VIEW */` stands for the whole text of that view: its parameters are then those of both, named once.
    Its order stays behind: inside another query it says nothing, and sorts all the same. In `/* the query of VIEW with
    PARAMETER = EXPRESSION */` the expression stands for that parameter. `/* the query of VIEW over OTHER */` has that
    view go through the rows of the other instead of those of the first one that it holds so.

    `/* the rows of VIEW */` is the same in a question. In a view it asks that view by its name: what the engine keeps
    of a view has each query that it names in WITH written out wherever it is named, so a long text there costs more to
    analyse than one view more.

    `/* NAME: */ PART /* else: INSTEAD */` is the part, and what stands there instead where it is left out; parts may
    hold parts.

    Args:
        name: Of the view.
        without: Members of unions that begin with a line `/* NAME */` of these are left out, and so are parts of these
            names, here and in the views that this one is made of: who knows that they change nothing spares the engine
            their analysis.
    """
    return _whole(read_sql(f"views/{name}"), (*without, *_OF_QUESTIONS), is_view=True)


@lru_cache(maxsize=256)
def question_text(name: str, without: tuple[str, ...] = ()) -> str:
    """Return the text of a question, as `view_text` does of a view; LookupError: nothing in it has such a name."""
    if unknown := set(without) - parts_of(name):
        raise LookupError(f"{name} has no part and no member of a union called {' or '.join(sorted(unknown))}")
    return _whole(read_sql(f"questions/{name}"), without, is_view=False)


def parts_of(name: str) -> frozenset[str]:
    """Return the names that can be left out of the text of a question."""
    return _marks(f"questions/{name}")


@cache
def _marks(name: str) -> frozenset[str]:
    text = read_sql(name)
    views = (view for found in _QUERY.finditer(text) for view in (found["view"], found["source"]) if view)
    inside = (_marks(f"views/{view}") for view in views)
    return frozenset(_MARK.findall(text)).union(*inside)


def _whole(text: str, without: tuple[str, ...], *, is_view: bool) -> str:
    for member in without:
        text = _left_out(member).sub("", text)
    while _PART.search(text):
        text = _PART.sub(lambda part: part["instead"].strip() if part["name"] in without else part["part"], text)
    if is_view:
        text = _in_place(text)
    text = _QUERY.sub(lambda found: _asked(found, without, is_view=is_view), text)
    return _OF.sub(lambda found: _query_over(found["view"], found["relation"]), text)


def _in_place(text: str) -> str:
    """Put each query that WITH names, and that is asked once, where it is asked.

    Of a view the engine keeps each named query with those written out that it names, and goes through all of them
    whenever the view is asked: a chain of sixteen is one of a hundred and thirty-six.
    """
    for name in dict.fromkeys(found["name"] for found in _NAMED.finditer(text)):
        named = [found for found in _NAMED.finditer(text) if found["name"] == name]
        rest = text[: named[0].start()] + text[named[0].end() :]
        code = _COMMENT.sub(lambda comment: " " * len(comment[0]), rest)
        asked = [*re.finditer(rf"\b(?P<by>FROM|JOIN|IN) (?P<name>{name})\b(?P<as> AS\b)?", code)]
        if len(named) == len(asked) == 1 and asked[0]["by"] != "IN" and not asked[0]["as"]:
            start, end = asked[0].span("name")
            text = f"{rest[:start].rstrip(' ')}\n(\n{named[0]['body']}\n) AS {name}{rest[end:]}"
    return _EMPTY_WITH.sub(r"\1SELECT", _LAST_COMMA.sub(r"\1SELECT", text))


@cache
def _left_out(member: str) -> re.Pattern[str]:
    """What finds a member of a union: up to the next one of the same indentation, or with the `UNION ALL` before it."""
    mark = rf"/\* {member} \*/\n"
    followed = rf"^(?P<ahead> *){mark}(?:.*\n)*?(?P=ahead)UNION ALL\n"
    last = rf"^(?P<before> *)UNION ALL\n(?P=before){mark}(?:(?P=before).*\n)*"
    return re.compile(f"{followed}|{last}", re.MULTILINE)


def _asked(found: re.Match[str], without: tuple[str, ...], *, is_view: bool) -> str:
    view, parameter, value = found["view"], found["parameter"], found["value"]
    text = read_sql(f"views/{view}")
    if found["source"]:
        text = _QUERY.sub(f"/* the query of {found['source']} */", text, count=1)
    text = _whole(text, without, is_view=is_view)
    if is_view and found["what"] == "rows":
        told = {name: value if name == parameter else typed for typed, name in _parameters(text).items()}
        arguments = ", ".join(f"{name} = {what}" for name, what in told.items())
        return f"SELECT *\nFROM parcours.{view}" + (f"({arguments})" if told else "")
    text = _LAST_ORDER.sub("\n", _query(text, view))
    if parameter is None:
        return text
    return re.sub(rf"\{{{parameter}:[^}}]+\}}", lambda _: value, text)


def _parameters(text: str) -> dict[str, str]:
    """Return each parameter as it is written, and its name."""
    return {found[0]: found[1] for found in _PARAMETER.finditer(text)}


def _query(text: str, view: str) -> str:
    return text.partition(f"CREATE OR REPLACE VIEW {view} AS\n")[2]


def _query_over(view: str, relation: str) -> str:
    query = _query(read_sql(f"views/{view}"), view)
    return query.replace("FROM parcours.touchpoints_unique\n", f"FROM {relation}\n")
