"""Type expressions as trees, and their layout: as ruff's formatter leaves them at any line length from 88.

An expression that fits stands on one line; one that does not is broken at its brackets with a trailing comma, which
keeps it broken. Knows nothing of schemas.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

LINE_CHARS = 88
INDENT = "    "
SKIP = "  # fmt: skip"


@dataclass(frozen=True, slots=True)
class Atom:
    """A name, a literal or an argument, never broken."""

    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """`head[…]` or `head(…)`."""

    head: str
    items: tuple["Expression", ...]
    brackets: str = "[]"

    @property
    def holds_one(self) -> bool:
        """Whether a comma after its one item would change its meaning: `list[int,]` is not `list[int]`."""
        return self.brackets == "[]" and bool(self.head) and len(self.items) == 1


@dataclass(frozen=True, slots=True)
class Union:
    """`a | b`, of at least two."""

    members: tuple["Expression", ...]


Expression: TypeAlias = Atom | Group | Union

NONE = Atom("None")


def literal(value: str | int | bool | None) -> str:
    """A value as Python source, a text in the quotes that need the fewest escapes."""
    if not isinstance(value, str):
        return repr(value)
    quote = "'" if value.count('"') > value.count("'") else '"'
    body = "".join(_escaped(character, quote) for character in value)
    return f"{quote}{body}{quote}"


def _escaped(character: str, quote: str) -> str:
    if character in {"\\", quote}:
        return f"\\{character}"
    return character if character.isprintable() else repr(character)[1:-1]


def union_of(*expressions: Expression) -> Expression:
    """The union of expressions, flat, each once, None last."""
    members: dict[Expression, None] = {}
    for expression in expressions:
        members.update(dict.fromkeys(expression.members if isinstance(expression, Union) else (expression,)))
    last = (NONE,) if NONE in members else ()
    ordered = (*(member for member in members if member != NONE), *last)
    return ordered[0] if len(ordered) == 1 else Union(ordered)


def on_one_line(expression: Expression) -> str:
    """The expression, unbroken."""
    match expression:
        case Atom(text):
            return text
        case Group(head, items, brackets):
            return f"{head}{brackets[0]}{', '.join(map(on_one_line, items))}{brackets[1]}"
        case Union(members):
            return " | ".join(map(on_one_line, members))


def fits(line: str) -> bool:
    """Whether a line stays whole under a formatter; wide characters count twice there, so others than ASCII do not."""
    return len(line) <= LINE_CHARS and line.isascii()


def broken(prefix: str, group: Group, suffix: str = "", indent: str = "") -> Iterator[str]:
    """The lines of a group that is broken at its brackets."""
    yield f"{indent}{prefix}{group.head}{group.brackets[0]}"
    inner = indent + INDENT
    for item in group.items:
        line = f"{inner}{on_one_line(item)},"
        if isinstance(item, Group) and not item.holds_one and not fits(line):
            yield from broken("", item, ",", inner)
        else:
            yield line
    yield f"{indent}{group.brackets[1]}{suffix}"


def names_in(expression: Expression) -> Iterator[str]:
    """The names that an expression needs, arguments and literals left aside."""
    match expression:
        case Atom(text):
            yield text
        case Group(head, items):
            yield head
            for item in items:
                yield from names_in(item)
        case Union(members):
            for member in members:
                yield from names_in(member)
