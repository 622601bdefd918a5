"""Reads a statement as the engine reads it, and lets it pass or refuses it."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Final

from parcours_collector.warehouse.embedded.engine import Engine, escape_parameter
from parcours_collector.warehouse.embedded.errors import EngineError, access_denied, not_implemented
from parcours_collector.warehouse.embedded.formats import refused
from parcours_collector.warehouse.embedded.guard import kinds, names
from parcours_collector.warehouse.embedded.guard.canonical import called_names
from parcours_collector.warehouse.embedded.guard.statement import Role, Statement
from parcours_collector.warehouse.embedded.guard.tree import Tree, refused_function

_PARSE: Final = "SELECT parseQueryToJSON({sql:String})"
_CANONICAL: Final = "SELECT formatQuerySingleLine({sql:String})"
_KEPT_VERDICTS: Final = 1024
_UNPARSE: Final = "SELECT formatQueryFromJSON({tree:String})"
_USER_DEFINED: Final = "SELECT count() FROM system.functions WHERE name = {name:String} AND origin = 'SQLUserDefined'"
_NO_TREE: Final = re.compile(r"AST node of type '(?P<kind>[^']+)' does not support JSON")
_SCOPE: Final = re.compile(r": In scope SELECT parseQueryToJSON\(.*", re.DOTALL)
_DESCRIBE: Final = "DESCRIBE TABLE "
_SELECT: Final = "SELECT * FROM "
_INLINE: Final = "INSERT with inline data"
_FIRST_WORD: Final = re.compile(r"[A-Za-z]+")
_STRING: Final = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_MAP_LITERAL: Final = re.compile(rf"({_STRING.pattern}|::)|([{{}}:])", re.DOTALL)
_MAP_CALL: Final = {"{": "map(", "}": ")", ":": ","}
_QUOTED_NAME: Final = re.compile(r"[`\"]")
_CALLED: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*(?:/\*.*?\*/\s*|--[^\n]*\n\s*|#[^\n]*\n\s*)*\(", re.DOTALL)


class Guard:
    """Judges statements. Blocking: one or two round trips to the engine, about a millisecond."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        known = frozenset(engine.ask("SELECT lower(name) FROM system.table_functions").split())
        functions = engine.ask("SELECT lower(name) FROM system.functions WHERE origin != 'SQLUserDefined'").split()
        self._unreviewed = frozenset(functions) - names.FUNCTIONS - names.AGGREGATES
        self._uncallable = self._unreviewed | (known - names.TABLE_FUNCTIONS)
        # Methods bound here, so that each guard has caches of its own. Refusals are not kept.
        self._statement = lru_cache(_KEPT_VERDICTS)(self._judge)
        self._insert = lru_cache(_KEPT_VERDICTS)(self._judge_insert)
        self._describe = lru_cache(_KEPT_VERDICTS)(self._make_describe)
        self._tree = Tree(known, self._unreviewed, self._is_user_defined, self._inner_query)

    def statement(self, sql: str, role: Role) -> Statement:
        """Judge a statement that carries no data of its own. What passed once passes again without a round trip.

        Raises:
            EngineError: 62 unreadable or several statements, 497 refused, 48 not done here.
        """
        return self._statement(sql, role)

    def insert(self, head: str, input_format: str, role: Role) -> Statement:
        """Judge an INSERT whose data follows: `head` ends before FORMAT or VALUES.

        Raises:
            EngineError: as `statement`.
        """
        return self._insert(head, input_format, role)

    def _judge(self, sql: str, role: Role) -> Statement:
        try:
            tree = self._parse(sql)
        except EngineError as error:
            match = _NO_TREE.search(error.message)
            if match is None:
                raise
            return self._text_only(sql, role)
        kind = str(tree.get("type"))
        self._may(kind, role)
        self._check(sql, tree)
        if kind == "KillQueryQuery":
            sql = self._by_our_query_id(tree)
        return Statement(sql, kind, _output_format(tree))

    def _judge_insert(self, head: str, input_format: str, role: Role) -> Statement:
        if refused(input_format):
            raise _refused_format(input_format)
        whole = f"{head}\nFORMAT {input_format}"
        tree = self._parse(whole)
        kind = str(tree.get("type"))
        self._may(kind, role)
        if kind != "InsertQuery" or "select" in tree:
            raise not_implemented(
                "INSERT … SELECT FROM input(…) with data is not done here: insert into a table, then transform it"
            )
        self._check(whole, tree)
        return Statement(head, kind)

    def describe(self, select: Statement) -> str:
        """The statement that tells the columns of a SELECT which has passed.

        Raises:
            EngineError: the engine cannot write it.
        """
        return self._describe(select.sql)

    def values_are_plain(self, data: str) -> bool:
        """Whether the expressions of a VALUES list may be computed: they parse, and call reviewed functions only.

        Stricter than need be: where it says no, the engine reads literals only. The list is judged as a SELECT, whose
        reading of it could differ in a corner; so no name that is not reviewed may stand before a bracket even in a
        string, and no quoted identifier, which could spell one, anywhere outside of strings.

        Raises:
            EngineError: 62, another statement follows the list.
        """
        bare = _STRING.sub("", data)
        if bare.partition(";")[2].strip():
            raise EngineError(62, "SYNTAX_ERROR", "Multi-statements are not allowed: send one statement a request")
        if _QUOTED_NAME.search(bare):
            return False
        if any(word.lower() in self._unreviewed for word in _CALLED.findall(data)):
            return False
        try:
            select = f"SELECT {_as_expressions(data)}"
            tree = self._parse(select)
            if tree.get("type") != "SelectWithUnionQuery":
                return False
            self._check(select, tree)
        except EngineError:
            return False
        return True

    def _check(self, sql: str, tree: dict[str, object]) -> None:
        self._tree.check(tree)
        for name in called_names(self._engine.ask(_CANONICAL, {"sql": escape_parameter(sql)})):
            if name in self._uncallable:
                raise refused_function(name)

    def _parse(self, sql: str) -> dict[str, object]:
        if "\0" in sql:
            raise EngineError(62, "SYNTAX_ERROR", "a statement cannot hold a NUL character: remove it")
        try:
            text = self._engine.ask(_PARSE, {"sql": escape_parameter(sql)})
        except EngineError as error:
            message = _SCOPE.sub("", error.message)
            if _INLINE in message:
                raise not_implemented(
                    "an INSERT with data is not possible here: send it as a statement of its own"
                ) from None
            raise EngineError(error.code, error.name, message) from None
        tree = json.loads(text)
        if not isinstance(tree, dict):
            raise access_denied("the statement could not be read: rewrite it")
        return tree

    def _text_only(self, sql: str, role: Role) -> Statement:
        lines = self._engine.ask("EXPLAIN AST " + sql).splitlines()
        first = lines[0] if lines else ""
        word = _FIRST_WORD.match(first)
        kind = word.group() if word else ""
        if kind not in kinds.TEXT_ONLY:
            raise _refused_kind(kind or first)
        self._may(kind, role)
        described = kind == "DescribeQuery"
        if described:
            self._check_described(sql)
        for line in lines[1:]:
            part = line.strip()
            if line.startswith(" Literal") or part == "Set":
                raise access_denied(
                    f"{kind} cannot have INTO OUTFILE or SETTINGS in the embedded engine: give settings in the URL"
                )
            if part.startswith("Function ") and not described:
                name = part.removeprefix("Function ").split(" (", 1)[0].lower()
                known = name in names.TABLE_FUNCTIONS or name in names.FUNCTIONS or names.is_aggregate(name)
                if not known and not self._is_user_defined(name):
                    raise refused_function(name)
        return Statement(sql, kind)

    def _make_describe(self, sql: str) -> str:
        tree = self._parse(sql)
        tree.pop("format_ast", None)
        select = self._engine.ask(_UNPARSE, {"tree": escape_parameter(json.dumps(tree))}).strip()
        return f"{_DESCRIBE}({select}\n)"

    def _check_described(self, sql: str) -> None:
        # What may be described is what may be selected from: the tree of that SELECT shows more than the text does.
        canonical = self._engine.ask(_CANONICAL, {"sql": escape_parameter(sql)}).strip()
        select = canonical.replace(_DESCRIBE, _SELECT, 1)
        tree = self._parse(select)
        if not canonical.startswith(_DESCRIBE) or tree.get("type") != "SelectWithUnionQuery":
            raise access_denied("DESCRIBE could not be read: write DESCRIBE TABLE name, or DESCRIBE (SELECT …)")
        self._check(select, tree)

    def _may(self, kind: str, role: Role) -> None:
        if kind not in kinds.READS and kind not in kinds.WRITES:
            raise _refused_kind(kind)
        if role is Role.ANALYST and kind not in kinds.READS:
            raise EngineError(
                164, "READONLY", f"user 'analyst' may only read, and {kind} is not a read: use user 'default'"
            )

    def _inner_query(self, sql: str) -> None:
        if self.statement(sql, Role.ANALYST).kind != "SelectWithUnionQuery":
            raise access_denied("a dictionary's query must be a SELECT")

    def _is_user_defined(self, name: str) -> bool:
        return self._engine.ask(_USER_DEFINED, {"name": escape_parameter(name)}).strip() != "0"

    def _by_our_query_id(self, tree: dict[str, object]) -> str:
        # The engine numbers queries itself; the id a client knows is the first line of log_comment.
        ours = json.loads(
            self._engine.ask(_PARSE, {"sql": "SELECT substringIndex(Settings['log_comment'], '\\\\n', 1)"})
        )
        expression = ours["list_of_selects"]["children"][0]["select"]["children"][0]
        tree["where_expression"] = _replace_query_id(tree.get("where_expression"), expression)
        return self._engine.ask(_UNPARSE, {"tree": escape_parameter(json.dumps(tree))}).rstrip("\n")


def _refused_kind(kind: str) -> EngineError:
    return not_implemented(f"{kind} is not done by the embedded engine: use a ClickHouse server for it")


def _refused_format(name: str) -> EngineError:
    return access_denied(
        f"format {name!r} is not allowed in the embedded engine, it may read a file: use JSONEachRow or Native"
    )


def _as_expressions(data: str) -> str:
    # A map literal exists in data only; in a SELECT its braces would be a query parameter.
    return _MAP_LITERAL.sub(lambda found: found[1] or _MAP_CALL[found[2]], data.strip().rstrip(";"))


def _output_format(tree: dict[str, object]) -> str | None:
    named = tree.get("format_ast")
    if not isinstance(named, dict):
        return None
    name = str(named.get("name", ""))
    if not name or refused(name):
        raise _refused_format(name)
    return name


def _replace_query_id(node: object, expression: object) -> object:
    if isinstance(node, dict):
        if node.get("type") == "Identifier" and node.get("name") in ("query_id", "initial_query_id"):
            return expression
        return {key: _replace_query_id(value, expression) for key, value in node.items()}
    if isinstance(node, list):
        return [_replace_query_id(value, expression) for value in node]
    return node
