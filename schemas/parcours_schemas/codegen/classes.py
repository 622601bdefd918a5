"""The classes of one document: its touchpoint, after the objects and the long types that it is made of."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from parcours_schemas.codegen.expression import (
    INDENT,
    LINE_CHARS,
    NONE,
    SKIP,
    Atom,
    Expression,
    Group,
    Union,
    broken,
    fits,
    literal,
    names_in,
    on_one_line,
    union_of,
)
from parcours_schemas.codegen.naming import ClassNames, field_name
from parcours_schemas.codegen.types import TypeReader, accepts_null
from parcours_schemas.errors import InvalidPlan
from parcours_schemas.plan import ANNOTATION
from parcours_schemas.touchpoint import Declaration, Valence

_IN_PLACE = ("anyOf", "oneOf")
_IN_PLACE_ONE = ("if", "then", "else")


class DocumentClasses:
    """Writes the classes of one document.

    Args:
        filename: for messages.
        document: a valid one.
        declaration: of its touchpoint.
        name: of the class of the touchpoint.
        names: of the whole module.

    Attributes:
        blocks: source of each class and type, in the order in which they need each other.
        used: names that they need from elsewhere.
    """

    def __init__(
        self, filename: str, document: Mapping[str, Any], declaration: Declaration, name: str, names: ClassNames
    ) -> None:
        self.blocks: list[str] = []
        self.used: set[str] = set()
        self._document = document
        self._names = names
        self._reader = TypeReader(document, self)
        self._refuse_nameless(filename)
        fields, nulls = self._fields(document, name, declaration.revenue_property)
        self._reader.object_rules(document)
        bases = [
            *(["Ruled"] if self._reader.has_rules else []),
            *(["KeepsNulls"] if nulls else []),
            "Planned",
            *_keywords(declaration),
        ]
        self.used.update(bases)
        head = list(broken("class ", Group(name, tuple(map(Atom, bases)), "()"), ":"))
        body = [*self._special(nulls), *fields]
        self.blocks.append(_class(head, document, f"The touchpoint {declaration.name}.", body))

    def object_type(self, schema: Mapping[str, Any], words: Sequence[str]) -> Expression | None:
        """Write the class of an object inside and return its name; None when not all its properties have names."""
        if _nameless(schema) is not None or not self._described(schema, ())[0]:
            return None
        name = self._names.new(*words)
        fields, nulls = self._fields(schema, name, None)
        self._reader.object_rules(schema)
        bases = ["KeepsNulls", "Part"] if nulls else ["Part"]
        self.used.update(bases)
        body = [*self._special(nulls, rules=False), *fields]
        self.blocks.append(_class([f"class {name}({', '.join(bases)}):"], schema, f"A part: {words[-1]}.", body))
        return Atom(name)

    def _refuse_nameless(self, filename: str) -> None:
        word = _nameless(self._document)
        if word is not None:
            raise InvalidPlan(
                filename,
                f"/{word}: a class has no field for a property whose name the schema does not say: name them under "
                "properties, put them into an object inside, or leave this file out and send the touchpoint with track",
            )

    def _described(self, schema: Mapping[str, Any], entered: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, None]]:
        """The properties that an object's schemas name, with the first schema of each, and the required ones."""
        described: dict[str, Any] = dict(schema.get("properties", {}))
        required = dict.fromkeys(schema.get("required", ()))
        always: list[Mapping[str, Any]] = [branch for branch in schema.get("allOf", ()) if isinstance(branch, dict)]
        reference = str(schema.get("$ref", ""))
        target = self._reader.target(reference) if reference not in entered else None
        if target is not None:
            always.append(target)
        for branch in always:
            inner, inner_required = self._described(branch, (*entered, reference))
            described = {**inner, **described}
            required |= inner_required
        for branch in _perhaps(schema):
            for name in self._described(branch, entered)[0]:
                described.setdefault(name, True)
        for name in required:
            described.setdefault(name, True)
        return described, required

    def _fields(
        self, schema: Mapping[str, Any], owner: str, revenue_property: str | None
    ) -> tuple[list[str], list[str]]:
        """The lines of the fields of an object, and the required properties that may be null."""
        described, required = self._described(schema, ())
        lines: list[str] = []
        nulls: list[str] = []
        taken: set[str] = set()
        for name, each in described.items():
            if name == revenue_property and isinstance(each, dict) and each.get("type") == "string":
                kind = self._reader.type_of({"format": "decimal", **each}, (owner, name))
            else:
                kind = self._reader.type_of(each, (owner, name))
            if name not in required and kind != Atom("JsonValue"):
                kind = union_of(kind, NONE)
            elif name in required and accepts_null(kind):
                nulls.append(name)
            # What the wire calls another property is no name for this one: both names are taken at construction.
            field = field_name(name, owner=owner, taken=taken | (described.keys() - {name}))
            taken.add(field)
            lines += self._field(field, name, kind, owner, required=name in required)
            lines += _docstring(each)
        return lines, nulls

    def _field(self, field: str, name: str, kind: Expression, owner: str, *, required: bool) -> Iterator[str]:
        default = "" if required else " = None"
        called: Group | None = None
        if field != name:
            arguments = [f"validation_alias={literal(name)}", f"serialization_alias={literal(name)}"]
            called = Group("Field", tuple(map(Atom, arguments if required else ["default=None", *arguments])), "()")
            self.used.add("Field")
        whole = f"{INDENT}{field}: {on_one_line(kind)}"
        if not fits(f"{whole} = Field(" if called else f"{whole}{default}"):
            kind = self._shorter(kind, (owner, name))
            whole = f"{INDENT}{field}: {on_one_line(kind)}"
        self.used.update(names_in(kind))
        if called is None:
            yield _line(f"{whole}{default}")
        elif fits(line := f"{whole} = {on_one_line(called)}"):
            yield line
        elif fits(f"{whole} = Field("):
            yield from broken(f"{field}: {on_one_line(kind)} = ", called, indent=INDENT)
        else:
            yield f"{line}{SKIP}"

    def _shorter(self, kind: Expression, words: Sequence[str]) -> Expression:
        """Give the long parts of a type names of their own."""
        match kind:
            case Union(members):
                return Union(tuple(self._shorter(member, words) for member in members))
            case Group():
                name = self._names.new(*words, "Type")
                kind = self._within(kind, words)
                self.used.update(names_in(kind))
                line = f"{name} = {on_one_line(kind)}"
                breaks = not fits(line) and not kind.holds_one
                self.blocks.append("\n".join(broken(f"{name} = ", kind)) if breaks else _line(line))
                return Atom(name)
            case Atom():
                return kind

    def _within(self, group: Group, words: Sequence[str]) -> Group:
        """A group that breaks at its commas only: what a formatter has ways of its own for gets a name."""
        items: list[Expression] = []
        for item in group.items:
            match item:
                case Union():
                    items.append(self._named_union(item, words))
                case Group() if group.holds_one and not _short(item):
                    items.append(self._shorter(item, (*words, "item")))
                case Group():
                    items.append(self._within(item, words))
                case Atom():
                    items.append(item)
        return Group(group.head, tuple(items), group.brackets)

    def _named_union(self, union: Union, words: Sequence[str]) -> Expression:
        if _short(union):
            return union
        name = self._names.new(*words, "Item", "Type")
        shorter = self._shorter(union, (*words, "Item"))
        self.used.update(names_in(shorter))
        self.blocks.append(_line(f"{name} = {on_one_line(shorter)}"))
        return Atom(name)

    def _special(self, nulls: Sequence[str], *, rules: bool = True) -> Iterator[str]:
        if nulls:
            self.used.add("ClassVar")
            kept = Group("", tuple(Atom(literal(name)) for name in nulls))
            yield from broken("__nulls__: ClassVar[list[str]] = ", kept, indent=INDENT)
        if rules and self._reader.has_rules:
            self.used.add("ClassVar")
            said = {word: value for word, value in self._document.items() if word != ANNOTATION}
            # JSON in ASCII: nothing in it ends the literal, as no JSON has three quotes in a row.
            text = json.dumps(said, indent=2, sort_keys=True)
            yield f'{INDENT}__rules__: ClassVar[str] = r"""\n{text}\n"""'
        if nulls or (rules and self._reader.has_rules):
            yield ""


def _nameless(schema: Mapping[str, Any]) -> str | None:
    """The word by which an object may have properties that no schema names, and says what they are."""
    if schema.get("patternProperties"):
        return "patternProperties"
    for word in ("additionalProperties", "unevaluatedProperties"):
        if isinstance(schema.get(word), dict) and schema[word]:
            return word
    return None


def _perhaps(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schemas that an object may or may not have to fit."""
    branches = [branch for word in _IN_PLACE for branch in schema.get(word, ())]
    branches += [schema[word] for word in _IN_PLACE_ONE if word in schema]
    branches += schema.get("dependentSchemas", {}).values()
    yield from (branch for branch in branches if isinstance(branch, dict))


def _keywords(declaration: Declaration) -> list[str]:
    given = {
        "name": declaration.name,
        "stage": declaration.stage,
        "need": declaration.need,
        "channel": declaration.channel,
        "version": declaration.version,
    }
    if declaration.valence != Valence.NEUTRAL:
        given["valence"] = declaration.valence
    keywords = [f"{name}={literal(value)}" for name, value in given.items()]
    if declaration.conversion:
        keywords.append("conversion=True")
    if declaration.revenue_property is not None:
        keywords.append(f"revenue_property={literal(declaration.revenue_property)}")
    return keywords


def _class(head: Sequence[str], schema: Mapping[str, Any], otherwise: str, body: Sequence[str]) -> str:
    docstring = _docstring(schema) or _docstring({"description": otherwise})
    return "\n".join([*head, *docstring, *(["", *body] if body else [])]).rstrip("\n")


def _docstring(schema: Any) -> list[str]:
    """The description of a schema as a docstring; its quotes are single ones, so that they end nothing."""
    described = schema.get("description", "") if isinstance(schema, dict) else ""
    words = "".join(character if character.isprintable() else " " for character in str(described)).split()
    text = " ".join(words).replace('"', "'").replace("\\", "\\\\")
    if not text:
        return []
    line = f'{INDENT}"""{text}"""'
    first, *rest = textwrap.wrap(f"___{text}", LINE_CHARS - len(INDENT), break_long_words=False, break_on_hyphens=False)
    if not rest:
        return [line]
    return [f'{INDENT}"""{first[3:]}', *(INDENT + each for each in rest), f'{INDENT}"""']


def _short(expression: Expression) -> bool:
    """Whether it fits into a line together with what may stand around it."""
    text = on_one_line(expression)
    return len(text) <= LINE_CHARS // 2 and text.isascii()


def _line(line: str) -> str:
    return line if fits(line) else f"{line}{SKIP}"
