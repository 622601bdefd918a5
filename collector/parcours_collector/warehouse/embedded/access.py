"""The engine's own configuration: what its one user may do at all, and which settings no statement can change.

The second wall behind `guard`: the engine checks these grants and constraints after its own analysis, wherever a table
function, an engine or a setting comes from (a view, a string in a dictionary, a table whose name is a path).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from parcours_collector.warehouse.embedded.folder import write_private
from parcours_collector.warehouse.embedded.options import Limits

TABLE_ENGINES: Final = (
    "MergeTree",
    "ReplacingMergeTree",
    "SummingMergeTree",
    "AggregatingMergeTree",
    "CollapsingMergeTree",
    "VersionedCollapsingMergeTree",
    "GraphiteMergeTree",
    "CoalescingMergeTree",
    "Memory",
    "Null",
    "Log",
    "TinyLog",
    "StripeLog",
    "Set",
    "Join",
    "Buffer",
    "Merge",
    "Dictionary",
    "GenerateRandom",
    "View",
    "MaterializedView",
)
"""Table engines that keep their data inside the folder, or nowhere."""

DATABASE_ENGINES: Final = ("Atomic", "Memory")

ENGINE_DATABASES: Final = ("system", "INFORMATION_SCHEMA", "information_schema")
"""Databases that the engine and its shell read: no statement writes there, however it comes to name them."""

GRANTS: Final = (
    "GRANT SHOW, SELECT, INSERT, ALTER, TRUNCATE, OPTIMIZE, CHECK, KILL QUERY, dictGet ON *.*",
    "GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE DICTIONARY, CREATE FUNCTION ON *.*",
    "GRANT CREATE TEMPORARY TABLE, CREATE ARBITRARY TEMPORARY TABLE ON *.*",
    "GRANT DROP DATABASE, DROP TABLE, DROP VIEW, DROP DICTIONARY, DROP FUNCTION, UNDROP TABLE ON *.*",
    "GRANT SYSTEM RELOAD DICTIONARY, SYSTEM FLUSH LOGS, SYSTEM MERGES, SYSTEM VIEWS, SYSTEM DROP CACHE ON *.*",
    "GRANT SET DEFINER ON *",
    *(f"GRANT TABLE ENGINE ON {name}" for name in (*TABLE_ENGINES, *DATABASE_ENGINES)),
    *(f"REVOKE INSERT, ALTER, TRUNCATE, OPTIMIZE, CREATE, DROP ON {name}.*" for name in ENGINE_DATABASES),
)
"""All the engine's user may do: no SOURCES (FILE, URL, S3, REMOTE, …), no access management, no BACKUP, no SHUTDOWN.

UNDROP TABLE cannot be revoked for one database only: the engine asks for it on all of them.
"""

UNCHANGEABLE: Final = (
    "dialect",
    "implicit_select",
    "allow_settings_after_format_in_insert",
    "allow_introspection_functions",
    "allow_ddl",
    "format_schema",
    "format_schema_source",
    "format_template_row",
    "format_template_resultset",
    "format_avro_schema_registry_url",
    "allow_experimental_nlp_functions",
)
"""Settings that would change what the guard read, or name a file or a host."""

PINNED: Final = (("allow_introspection_functions", "0"), ("implicit_select", "0"))


def write_configuration(folder: Path, limits: Limits) -> Path:
    """Write the engine's two configuration files into a private folder.

    Returns:
        The file to start the engine with.
    """
    users = folder / "users.xml"
    grants = "".join(f"<query>{escape(grant)}</query>" for grant in GRANTS)
    seconds = limits.max_execution_seconds
    bounded = [f"<max_memory_usage><min>1</min><max>{limits.max_memory_bytes}</max></max_memory_usage>"]
    if seconds:
        bounded.append(f"<max_execution_time><min>1</min><max>{seconds}</max></max_execution_time>")
    fixed = "".join(f"<{name}><readonly/></{name}>" for name in UNCHANGEABLE)
    pinned = "".join(f"<{name}>{value}</{name}>" for name, value in PINNED)
    write_private(
        users,
        "<clickhouse><users><default><password></password><profile>default</profile><quota>default</quota>"
        f"<networks><ip>::1</ip><ip>127.0.0.1</ip></networks><grants>{grants}</grants></default></users>"
        f"<profiles><default><max_memory_usage>{limits.max_memory_bytes}</max_memory_usage>"
        f"<max_execution_time>{seconds}</max_execution_time>{pinned}"
        f"<constraints>{''.join(bounded)}{fixed}</constraints></default></profiles>"
        "<quotas><default/></quotas></clickhouse>\n",
    )
    server = folder / "engine.xml"
    write_private(
        server,
        f"<clickhouse><users_config>{escape(str(users))}</users_config>"
        f"<user_directories><users_xml><path>{escape(str(users))}</path></users_xml></user_directories>"
        "<access_control_improvements><table_engines_require_grant>true</table_engines_require_grant>"
        "</access_control_improvements>"
        # What an erasure replaced goes within seconds, rather than after ever longer pauses.
        "<merge_tree><cleanup_delay_period>1</cleanup_delay_period><cleanup_delay_period_random_add>0"
        "</cleanup_delay_period_random_add><max_cleanup_delay_period>2</max_cleanup_delay_period></merge_tree>"
        f"<max_server_memory_usage>{limits.max_server_memory_bytes}</max_server_memory_usage></clickhouse>\n",
    )
    return server
