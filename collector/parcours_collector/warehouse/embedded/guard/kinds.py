"""The reviewed kinds: statements, parts of statements, ALTER commands, SYSTEM verbs, keys of a dictionary's source."""

from __future__ import annotations

from typing import Final

READS: Final = frozenset(
    {
        *(
            "SelectWithUnionQuery",
            "ExplainQuery",
            "ShowTablesQuery",
            "ShowColumnsQuery",
            "ShowIndexesQuery",
            "UseQuery",
            "SetQuery",
        ),
        *(
            "DescribeQuery",
            "ShowFunctions",
            "ShowEngineQuery",
            "ShowProcesslistQuery",
            "ShowGrantsQuery",
            "ShowSettingQuery",
        ),
        *("ShowCreateTableQuery", "ShowCreateViewQuery", "ShowCreateDictionaryQuery", "ShowCreateDatabaseQuery"),
        *("ExistsTableQuery", "ExistsViewQuery", "ExistsDictionaryQuery", "ExistsDatabaseQuery"),
    }
)
"""Statements that change nothing beyond the session."""

WRITES: Final = frozenset(
    {
        *("InsertQuery", "CreateQuery", "AlterQuery", "DropQuery", "RenameQuery", "OptimizeQuery", "CheckTableQuery"),
        *(
            "CheckAllTablesQuery",
            "DeleteQuery",
            "UpdateQuery",
            "KillQueryQuery",
            "CreateSQLFunctionQuery",
            "CreateIndexQuery",
        ),
        *("DropIndexQuery", "SystemQuery", "DropFunctionQuery", "UndropQuery"),
    }
)

TEXT_ONLY: Final = frozenset(
    {
        *(
            "DescribeQuery",
            "ShowFunctions",
            "ShowEngineQuery",
            "ShowProcesslistQuery",
            "ShowGrantsQuery",
            "ShowSettingQuery",
        ),
        *("ShowCreateTableQuery", "ShowCreateViewQuery", "ShowCreateDictionaryQuery", "ShowCreateDatabaseQuery"),
        *("ExistsTableQuery", "ExistsViewQuery", "ExistsDictionaryQuery", "ExistsDatabaseQuery"),
        *("DropFunctionQuery", "UndropQuery"),
    }
)
"""Statements whose tree the engine shows as indented text only."""

ALTERATIONS: Final = frozenset(
    {
        *(
            "ADD_COLUMN",
            "DROP_COLUMN",
            "MODIFY_COLUMN",
            "COMMENT_COLUMN",
            "RENAME_COLUMN",
            "MATERIALIZE_COLUMN",
            "MODIFY_ORDER_BY",
        ),
        *(
            "MODIFY_SAMPLE_BY",
            "REMOVE_SAMPLE_BY",
            "ADD_INDEX",
            "DROP_INDEX",
            "MATERIALIZE_INDEX",
            "ADD_CONSTRAINT",
            "DROP_CONSTRAINT",
        ),
        *(
            "ADD_PROJECTION",
            "DROP_PROJECTION",
            "MATERIALIZE_PROJECTION",
            "ADD_STATISTICS",
            "DROP_STATISTICS",
            "MODIFY_STATISTICS",
        ),
        *(
            "MATERIALIZE_STATISTICS",
            "DROP_PARTITION",
            "DROP_DETACHED_PARTITION",
            "ATTACH_PARTITION",
            "REPLACE_PARTITION",
        ),
        *(
            "MOVE_PARTITION",
            "FORGET_PARTITION",
            "DELETE",
            "UPDATE",
            "MODIFY_TTL",
            "REMOVE_TTL",
            "MATERIALIZE_TTL",
            "MODIFY_SETTING",
        ),
        *(
            "RESET_SETTING",
            "MODIFY_QUERY",
            "MODIFY_REFRESH",
            "MODIFY_COMMENT",
            "MODIFY_SQL_SECURITY",
            "APPLY_DELETED_MASK",
        ),
        *("APPLY_PATCHES", "NO_TYPE"),
    }
)

SYSTEM_VERBS: Final = frozenset(
    {
        *("RELOAD_DICTIONARY", "RELOAD_DICTIONARIES", "FLUSH_LOGS", "STOP_MERGES", "START_MERGES", "STOP_TTL_MERGES"),
        *(
            "START_TTL_MERGES",
            "REFRESH_VIEW",
            "WAIT_VIEW",
            "STOP_VIEW",
            "STOP_VIEWS",
            "START_VIEW",
            "START_VIEWS",
            "CANCEL_VIEW",
        ),
        *("CLEAR_MARK_CACHE", "CLEAR_UNCOMPRESSED_CACHE", "CLEAR_QUERY_CACHE", "CLEAR_COMPILED_EXPRESSION_CACHE"),
        *(
            "CLEAR_PRIMARY_INDEX_CACHE",
            "CLEAR_INDEX_MARK_CACHE",
            "CLEAR_INDEX_UNCOMPRESSED_CACHE",
            "CLEAR_QUERY_CONDITION_CACHE",
        ),
        *("DROP_MARK_CACHE", "DROP_UNCOMPRESSED_CACHE", "DROP_QUERY_CACHE", "DROP_COMPILED_EXPRESSION_CACHE"),
    }
)

TTL_DESTINATIONS: Final = frozenset({"DELETE", "GROUP_BY", "RECOMPRESS", ""})

SOURCE_KEYS: Final = {
    "clickhouse": frozenset(
        {
            "db",
            "database",
            "table",
            "query",
            "where",
            "user",
            "password",
            "host",
            "invalidate_query",
            "update_field",
            "update_lag",
        }
    ),
    "null": frozenset[str](),
}
"""Dictionary sources, and what may be said of each: only this engine's own tables."""

LAYOUTS: Final = frozenset(
    {
        *("flat", "hashed", "sparse_hashed", "hashed_array", "range_hashed", "cache", "direct", "ip_trie"),
        *("complex_key_hashed", "complex_key_sparse_hashed", "complex_key_hashed_array", "complex_key_range_hashed"),
        *(
            "complex_key_cache",
            "complex_key_direct",
            "polygon",
            "polygon_simple",
            "polygon_index_each",
            "polygon_index_cell",
        ),
    }
)
"""Dictionary layouts that live in memory."""

SOURCE_QUERIES: Final = frozenset({"query", "invalidate_query"})
LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
