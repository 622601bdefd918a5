"""Settings a request must not touch: refused by what their names speak of, so that new ones are refused too."""

from __future__ import annotations

import re
from typing import Final

from parcours_collector.warehouse.embedded.access import UNCHANGEABLE
from parcours_collector.warehouse.embedded.errors import EngineError, access_denied

SPEAKS_OF_THE_HOST: Final = re.compile(
    r"(^|_)(path|paths|file|files|filename|url|uri|host|hosts|schema|schemas|disk|disks|storage|template|registry|s3|azure|hdfs|"
    r"remote|cluster|clusters|connection|connections|dialect|user|role|profile|policy|bridge|credential|credentials|token|secret|"
    r"named|collection|backup|restore|zookeeper|keeper|python|script|command|iceberg|delta|lake|datalake|ai|wasm|webassembly|"
    r"polyglot|library|socket|proxy|dns)(_|$)"
)

REVIEWED: Final = frozenset(
    {
        *("insert_deduplication_token", "update_insert_deduplication_token_in_dependent_materialized_views"),
        *("output_format_json_named_tuples_as_objects", "input_format_json_named_tuples_as_objects"),
        *("output_format_pretty_named_tuples_as_json", "output_format_json_skip_null_value_in_named_tuples"),
        *(
            "input_format_json_ignore_unknown_keys_in_named_tuple",
            "input_format_json_try_infer_named_tuples_from_objects",
        ),
        *("input_format_json_defaults_for_missing_elements_in_named_tuple", "enable_named_columns_in_function_tuple"),
        *("input_format_max_rows_to_read_for_schema_inference", "input_format_max_bytes_to_read_for_schema_inference"),
        *(
            "input_format_csv_use_best_effort_in_schema_inference",
            "input_format_tsv_use_best_effort_in_schema_inference",
        ),
        *("schema_inference_hints", "schema_inference_mode", "schema_inference_make_columns_nullable"),
        *("type_json_skip_duplicated_paths", "type_json_skip_invalid_typed_paths", "type_json_skip_null_typed_paths"),
        *("min_bytes_for_full_part_storage", "min_rows_for_full_part_storage", "min_level_for_full_part_storage"),
        *(
            "max_temporary_data_on_disk_size_for_query",
            "max_temporary_data_on_disk_size_for_user",
            "max_file_name_length",
        ),
        *("log_profile_events", "send_profile_events", "replace_long_file_name_to_hash", "temporary_files_codec"),
        *("max_concurrent_queries_for_user", "max_memory_usage_for_user", "http_connection_timeout"),
    }
)
"""Settings whose names speak of the host, and which have been found to reach no file and no host."""

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
    if lowered in OWNED_BY_THE_SHELL or (lowered not in REVIEWED and SPEAKS_OF_THE_HOST.search(lowered)):
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
