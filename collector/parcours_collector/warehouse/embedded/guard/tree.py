"""Walks the engine's parse tree and refuses what is not on the lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from parcours_collector.warehouse.embedded.access import DATABASE_ENGINES, TABLE_ENGINES
from parcours_collector.warehouse.embedded.errors import EngineError, access_denied, not_implemented
from parcours_collector.warehouse.embedded.guard import kinds, names
from parcours_collector.warehouse.embedded.guard.settings import check_setting, plain_value

_HOST_KEYS: Final = {
    "out_file": "INTO OUTFILE",
    "infile": "FROM INFILE",
    "attach_from_path": "ATTACH … FROM",
    "has_attach_from_path": "ATTACH … FROM",
}
_TABLE_FUNCTION_KEYS: Final = ("table_function", "as_table_function")
_HIGHER_ORDER: Final = ("array", "map")
_INDEX_KEYS: Final = ("index_type",)
_CODEC_KEYS: Final = (
    "codec",
    "codec_expression",
    "statistics_desc",
    "statistics",
    "recompression_codec",
    "compression_codec",
)


def refused_function(name: str) -> EngineError:
    """497 for a function that the engine has and the lists have not."""
    return access_denied(
        f"function {name!r} is not allowed in the embedded engine, which reads no file and asks no host: "
        "send the data with INSERT, or use a ClickHouse server"
    )


def _refuse_default(database: object) -> None:
    # Empty when a parameter stands for the name, which the tree does not show.
    if database in ("default", ""):
        raise access_denied(
            "database 'default' belongs to the embedded engine: drop its tables instead; any other by its own name"
        )


class Tree:
    """One walk.

    Args:
        known_table_functions: every one the engine has, in lower case.
        unreviewed_functions: those the engine has and `names` has not, in lower case.
        user_defined: whether a function of this name was created here (its body was judged then).
        inner_query: judges a query that stands in a string.
    """

    def __init__(
        self,
        known_table_functions: frozenset[str],
        unreviewed_functions: frozenset[str],
        user_defined: Callable[[str], bool],
        inner_query: Callable[[str], None],
    ) -> None:
        self._known_table_functions = known_table_functions
        self._unreviewed_functions = unreviewed_functions
        self._user_defined = user_defined
        self._inner_query = inner_query

    def check(self, node: object, key: str = "", *, codec: bool = False, index: bool = False) -> None:
        """Refuse the tree under `node`, which its parent holds as `key`.

        Raises:
            EngineError: 497 or 48, with the part that is refused.
        """
        if isinstance(node, list):
            for item in node:
                self.check(item, key, codec=codec, index=index)
            return
        if not isinstance(node, dict):
            return
        self._check_keys(node)
        codec = codec or key in _CODEC_KEYS
        index = index or key in _INDEX_KEYS
        match node.get("type"):
            case "Function":
                self._function(node, key, codec=codec, index=index)
            case "ColumnsApplyTransformer":
                self._scalar(str(node.get("func_name", "")))
            case "SetQuery":
                self._settings(node)
            case "FunctionWithKeyValueArguments":
                self._source(node, key)
            case "AlterCommand":
                self._alteration(node)
            case "DictionaryLayout":
                if str(node.get("layout_type", "")).lower() not in kinds.LAYOUTS:
                    raise access_denied(
                        f"dictionary layout {node.get('layout_type')!r} is not allowed here: use HASHED"
                    )
            case "DropQuery":
                whole = not node.get("table") and "table_ast" not in node and "database_and_tables" not in node
                if whole and node.get("kind") != "Truncate":
                    _refuse_default(node.get("database"))
            case "RenameQuery" if node.get("database"):
                elements = node.get("elements")
                for element in elements if isinstance(elements, list) else []:
                    _refuse_default(element.get("from_database"))
            case "SystemQuery":
                if node.get("query_type") not in kinds.SYSTEM_VERBS:
                    raise access_denied(f"SYSTEM {node.get('query_type')} is not allowed in the embedded engine")
            case "TTLElement":
                if node.get("destination_type", "") not in kinds.TTL_DESTINATIONS:
                    raise access_denied("TTL … TO DISK or VOLUME is not allowed: the embedded engine has one disk")
            case "InsertQuery":
                target = node.get("table_function")
                if isinstance(target, dict) and str(target.get("name")).lower() != "null":
                    raise access_denied(
                        "INSERT INTO FUNCTION is not allowed in the embedded engine: insert into a table"
                    )
            case "ExplainQuery" if node.get("kind") == "EXPLAIN TABLE OVERRIDE":
                raise not_implemented("EXPLAIN TABLE OVERRIDE is not done by the embedded engine")
            case _:
                pass
        for name, child in node.items():
            if name != "value" or isinstance(child, dict):
                self.check(child, name, codec=codec, index=index)

    def _check_keys(self, node: Mapping[str, object]) -> None:
        for name, what in _HOST_KEYS.items():
            if node.get(name):
                raise access_denied(
                    f"{what} is not allowed over HTTP, it would reach a file of the host: send the data in the request"
                )
        if node.get("cluster"):
            raise not_implemented("ON CLUSTER is not done by the embedded engine: leave it out")

    def _function(self, node: Mapping[str, object], key: str, *, codec: bool, index: bool) -> None:
        name = str(node.get("name", ""))
        kind = node.get("kind", "")
        if key in _TABLE_FUNCTION_KEYS:
            # What the engine does not know as a table function can only be a parameterized view.
            if name.lower() not in names.TABLE_FUNCTIONS and name.lower() in self._known_table_functions:
                raise access_denied(
                    f"table function {name!r} is not allowed in the embedded engine, which reads no file "
                    "and asks no host: send the data with INSERT, or use a ClickHouse server"
                )
        elif kind == "TABLE_ENGINE":
            if name not in TABLE_ENGINES:
                raise access_denied(
                    f"table engine {name!r} is not allowed in the embedded engine: use a MergeTree engine"
                )
        elif kind == "DATABASE_ENGINE":
            if name not in DATABASE_ENGINES:
                raise access_denied(f"database engine {name!r} is not allowed in the embedded engine: use Atomic")
        elif key == "engine":
            raise access_denied(f"engine {name!r} could not be read: name a MergeTree engine")
        elif (codec and name.lower() in names.CODECS) or (index and name.lower() in names.INDEX_TYPES):
            return
        elif kind in ("", "LAMBDA_FUNCTION", "WINDOW_FUNCTION", "ORDINARY_FUNCTION"):
            self._scalar(name)
            if name.lower().startswith(_HIGHER_ORDER):
                self._named_functions(node.get("arguments"))
        elif kind in ("CODEC", "STATISTICS"):
            if name.lower() not in names.CODECS:
                raise access_denied(f"codec {name!r} is not known to the embedded engine: use ZSTD or LZ4")
        else:
            raise access_denied(f"{kind} {name!r} is not allowed in the embedded engine")

    def _scalar(self, name: str) -> None:
        lowered = name.lower()
        if lowered in names.FUNCTIONS or names.is_aggregate(lowered) or self._user_defined(name):
            return
        if lowered not in self._unreviewed_functions:
            raise EngineError(46, "UNKNOWN_FUNCTION", f"Function with name {name!r} does not exist")
        raise refused_function(name)

    def _named_functions(self, arguments: object) -> None:
        # arrayMap(file, …) calls file: a bare name stands for the function when there is no such column.
        children = arguments.get("children", []) if isinstance(arguments, dict) else []
        for child in children if isinstance(children, list) else []:
            if not isinstance(child, dict) or child.get("type") != "Identifier":
                continue
            name = str(child.get("name", "")).lower()
            if name in self._unreviewed_functions or child.get("children"):
                raise access_denied(
                    f"{name or 'a parameter'!r} could name a function here: write a column with its table, as t.{name}"
                )

    def _settings(self, node: Mapping[str, object]) -> None:
        changes = node.get("changes", [])
        if not isinstance(changes, list):
            raise access_denied("SETTINGS could not be read: give settings in the URL")
        for change in changes:
            check_setting(str(change.get("name", "")))
            plain_value(str(change.get("name", "")), change.get("value"))
        defaults = node.get("default_settings", [])
        if isinstance(defaults, list):
            for name in defaults:
                check_setting(str(name))

    def _source(self, node: Mapping[str, object], key: str) -> None:
        name = str(node.get("name", "")).lower()
        allowed = kinds.SOURCE_KEYS.get(name)
        if key != "source" or allowed is None:
            raise access_denied(
                f"dictionary source {name!r} is not allowed in the embedded engine: use SOURCE(CLICKHOUSE(TABLE …))"
            )
        elements = node.get("elements")
        pairs = elements.get("children", []) if isinstance(elements, dict) else []
        for pair in pairs:
            self._source_pair(name, allowed, pair)

    def _source_pair(self, source: str, allowed: frozenset[str], pair: Mapping[str, object]) -> None:
        first = str(pair.get("first", "")).lower()
        second = pair.get("second")
        plain = (
            isinstance(second, dict) and second.get("type") in ("Literal", "Identifier") and not second.get("children")
        )
        if first not in allowed or not isinstance(second, dict) or not plain:
            raise access_denied(
                f"{first!r} of dictionary source {source!r} is not allowed in the embedded engine: leave it out"
            )
        held = second.get("value")
        value = str(held.get("value", "")) if isinstance(held, dict) else str(second.get("name", ""))
        if first == "host" and value not in kinds.LOCAL_HOSTS:
            raise access_denied(
                f"dictionary source host {value!r} is not allowed: the embedded engine reads its own tables only"
            )
        if first in kinds.SOURCE_QUERIES:
            self._inner_query(value)
        if first == "where":
            self._inner_query(f"SELECT 1 WHERE {value}\n")

    def _alteration(self, node: Mapping[str, object]) -> None:
        command = node.get("command_type")
        if command not in kinds.ALTERATIONS:
            raise access_denied(f"ALTER … {command} is not allowed in the embedded engine")
        if node.get("move_destination_type", "") not in ("", "TABLE"):
            raise access_denied("MOVE PARTITION TO DISK or VOLUME is not allowed: the embedded engine has one disk")
