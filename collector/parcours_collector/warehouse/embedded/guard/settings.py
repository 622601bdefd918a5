"""Settings a request must not touch: refused by what their names speak of, so that new ones are refused too."""

from __future__ import annotations

import re
from typing import Final

from parcours_collector.warehouse.embedded.access import UNCHANGEABLE
from parcours_collector.warehouse.embedded.errors import EngineError, access_denied

_SPEAKS_OF_THE_HOST: Final = re.compile(
    r"(^|_)(path|paths|file|files|filename|url|uri|host|hosts|schema|schemas|disk|disks|storage|template|registry|s3|azure|hdfs|"
    r"remote|cluster|clusters|connection|connections|dialect|user|role|profile|policy|bridge|credential|credentials|token|secret|"
    r"named|collection|backup|restore|zookeeper|keeper|python|script|command|iceberg|delta|lake|datalake|ai|wasm|webassembly|"
    r"polyglot|library|socket|proxy|dns)(_|$)"
)

_REVIEWED: Final = frozenset(
    {
        "insert_deduplication_token",
        "schema_inference_make_columns_nullable",
        "schema_inference_hints",
        "schema_inference_mode",
        "max_bytes_ratio_before_external_group_by",
        "cluster_for_parallel_replicas",
        "output_format_json_named_tuples_as_objects",
        "input_format_json_named_tuples_as_objects",
        "enable_named_columns_in_function_tuple",
        "allow_named_columns_in_function_tuple",
        "storage_system_stack_trace_pipe_read_timeout_ms",
        "log_profile_events",
        "http_max_request_param_data_size",
        "max_parser_depth",
    }
)

_VALUES_EXPRESSIONS: Final = (
    "input_format_values_interpret_expressions",
    "input_format_values_deduce_templates_of_expressions",
)

OWNED_BY_THE_SHELL: Final = frozenset({*UNCHANGEABLE, *_VALUES_EXPRESSIONS, "log_comment", "readonly"})
"""Set by the shell itself, statement by statement."""


def check_setting(name: str) -> None:
    """Refuse a setting of a statement, a session or a table.

    Raises:
        EngineError: 497, it could reach a file or a host, or belongs to the shell.
    """
    lowered = name.lower()
    if lowered in OWNED_BY_THE_SHELL or (lowered not in _REVIEWED and _SPEAKS_OF_THE_HOST.search(lowered)):
        raise access_denied(
            f"setting {name!r} cannot be changed in the embedded engine: leave it out, or use a ClickHouse server"
        )


def plain_value(name: str, value: object) -> None:
    """Refuse a setting whose value is not a literal, such as `disk = disk(type = local, …)`.

    Raises:
        EngineError: 497.
    """
    if not isinstance(value, dict) or value.get("field_type") == "CustomType":
        raise EngineError(
            497, "ACCESS_DENIED", f"setting {name!r} must have a literal value: write a number or a string"
        )
