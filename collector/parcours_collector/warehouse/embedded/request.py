"""What a request asks for: text, parameters, settings, session. Touches neither engine nor disk."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from parcours_collector.warehouse.embedded.compression import accepted
from parcours_collector.warehouse.embedded.errors import EngineError, bad_arguments, not_implemented
from parcours_collector.warehouse.embedded.formats import refused
from parcours_collector.warehouse.embedded.guard import Role
from parcours_collector.warehouse.embedded.guard.settings import check_setting

_QUERY_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_MAX_SESSION_SECONDS: Final = 3600
_DEFAULT_SESSION_SECONDS: Final = 60

_TRANSPORT: Final = frozenset(
    {
        *(
            "query",
            "database",
            "user",
            "password",
            "query_id",
            "session_id",
            "session_timeout",
            "session_check",
            "close_session",
        ),
        *(
            "default_format",
            "compress",
            "decompress",
            "wait_end_of_query",
            "buffer_size",
            "role",
            "quota_key",
            "stacktrace",
        ),
        *(
            "client_protocol_version",
            "enable_http_compression",
            "http_zlib_compression_level",
            "send_progress_in_http_headers",
        ),
        *(
            "http_headers_progress_interval_ms",
            "cancel_http_readonly_queries_on_client_close",
            "log_comment",
            "framing",
        ),
        *(
            "http_write_exception_in_output_format",
            "add_http_cors_header",
            "http_response_buffer_size",
            "http_wait_end_of_query",
        ),
    }
)
_EXTERNAL: Final = ("_format", "_structure", "_types")


@dataclass(frozen=True, slots=True)
class Session:
    """A named session, as asked for.

    Args:
        name: chosen by the client; names of two users never meet.
        timeout_seconds: how long it is kept after its last request.
        must_exist: 372 when it does not.
    """

    name: str
    timeout_seconds: int
    must_exist: bool


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """One request, read and checked.

    Args:
        text: what the URL says of the statement; the body follows it.
        parameters: values of `{name:Type}`.
        settings: settings for this statement.
        database: current database, or None for the session's.
        query_id: the client's, or a new UUID.
        comment: the client's `log_comment`.
        session: the session asked for, or None.
        default_format: for a statement without FORMAT.
        hold: answer only when the whole result is there.
        encoding: how to compress the answer.
        read_only: only reads may run (method GET).
        role: who asks.
        external: raw `<table>_format|structure|types` values, for tables sent along.
    """

    text: str
    parameters: Mapping[str, str]
    settings: Mapping[str, str]
    database: str | None
    query_id: str
    comment: str
    session: Session | None
    default_format: str | None
    hold: bool
    encoding: str | None
    read_only: bool
    role: Role
    external: Mapping[str, str]


def read_request(
    method: str, pairs: Iterable[tuple[str, str]], headers: Mapping[str, str], role: Role, *, has_external: bool = False
) -> QueryRequest:
    """Read the URL (and form) pairs of a request.

    Raises:
        EngineError: a value is out of bounds, or something is asked for that is not done here.
    """
    values: dict[str, str] = {}
    parameters: dict[str, str] = {}
    settings: dict[str, str] = {}
    external: dict[str, str] = {}
    for name, value in pairs:
        if name.startswith("param_"):
            parameters[name.removeprefix("param_")] = value
        elif name in _TRANSPORT:
            values[name] = value
        elif has_external and name.endswith(_EXTERNAL):
            external[name] = value
        else:
            check_setting(name)
            settings[name] = value
    _refuse(values)
    default_format = values.get("default_format") or headers.get("X-ClickHouse-Format")
    if default_format and refused(default_format):
        raise bad_arguments(
            f"default_format {default_format!r} is not allowed in the embedded engine: use JSONEachRow or Native"
        )
    return QueryRequest(
        text=values.get("query", ""),
        parameters=parameters,
        settings=settings,
        database=values.get("database") or headers.get("X-ClickHouse-Database") or None,
        query_id=_query_id(values.get("query_id", "")),
        comment=values.get("log_comment", ""),
        session=_session(values),
        default_format=default_format,
        hold=_flag(values, "wait_end_of_query") or _flag(values, "http_wait_end_of_query"),
        encoding=accepted(headers.get("Accept-Encoding", "")) if _flag(values, "enable_http_compression") else None,
        read_only=method != "POST",
        role=role,
        external=external,
    )


def authenticate(url: Mapping[str, str], headers: Mapping[str, str], passwords: Mapping[Role, str]) -> Role:
    """Who asks: `X-ClickHouse-User`/`-Key`, else Basic, else `user` and `password` of the URL.

    Raises:
        EngineError: 516, the same for a wrong name and a wrong password; both are compared in constant time.
    """
    user, password = _credentials(url, headers)
    found: Role | None = None
    for role, expected in passwords.items():
        known = hmac.compare_digest(_bytes(user), _bytes(role.value))
        if hmac.compare_digest(_bytes(password), _bytes(expected)) and known:
            found = role
    if found is None:
        raise EngineError(
            516,
            "AUTHENTICATION_FAILED",
            f"{user[:64]!r}: Authentication failed: give a user and password of clickhouse.env in the data folder",
        )
    return found


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _credentials(url: Mapping[str, str], headers: Mapping[str, str]) -> tuple[str, str]:
    if "X-ClickHouse-User" in headers or "X-ClickHouse-Key" in headers:
        return headers.get("X-ClickHouse-User", Role.OWNER.value), headers.get("X-ClickHouse-Key", "")
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise EngineError(
                516, "AUTHENTICATION_FAILED", "the Authorization header is not readable: send Basic"
            ) from None
        return user, password
    return url.get("user", Role.OWNER.value), url.get("password", "")


def _refuse(values: Mapping[str, str]) -> None:
    if _flag(values, "compress") or _flag(values, "decompress"):
        raise not_implemented(
            "compress=1 and decompress=1 (native blocks) are not spoken here: use Content-Encoding, "
            "and Accept-Encoding with enable_http_compression=1"
        )
    if values.get("role"):
        raise not_implemented(
            "there are no roles in the embedded engine: leave 'role' out, or ask as user 'analyst' to only read"
        )
    if values.get("framing"):
        raise not_implemented("framing is not done by the embedded engine: leave it out")


def _session(values: Mapping[str, str]) -> Session | None:
    name = values.get("session_id", "")
    if not name:
        return None
    given = values.get("session_timeout", str(_DEFAULT_SESSION_SECONDS))
    if not given.isdecimal() or len(given) > 9 or int(given) > _MAX_SESSION_SECONDS:
        raise EngineError(
            374,
            "INVALID_SESSION_TIMEOUT",
            f"session_timeout must be 0 to {_MAX_SESSION_SECONDS} seconds, not {given[:32]!r}",
        )
    return Session(name, int(given), _flag(values, "session_check"))


def _query_id(given: str) -> str:
    if not given:
        return str(uuid.uuid4())
    if not _QUERY_ID.fullmatch(given):
        raise bad_arguments("query_id must be 1 to 128 printable ASCII characters without spaces")
    return given


def _flag(values: Mapping[str, str], name: str) -> bool:
    return values.get(name, "0").lower() not in ("", "0", "false")
