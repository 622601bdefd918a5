"""Hostile requests, drawn from a seed: wrong bytes, wrong structure, wrong compression, wrong HTTP."""

import gzip
import json
import random
import zlib
from copy import deepcopy
from dataclasses import dataclass

from backports import zstd

from tests.events import event

_VALUES: tuple[object, ...] = (
    *(None, True, False, 0, -1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**300, 1e308, -0.0, 0.1, 5e-324),
    *(
        "",
        " ",
        "\x00",
        "a\x00b",
        "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
        "\u202e",
        "💥" * 50,
    ),
    *("a" * 70_000, "null", "NaN", "../../etc/passwd", "'; DROP TABLE touchpoints; --", "{{7*7}}", "${jndi:ldap://x}"),
    *(
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
        "0000-00-00",
        "+33 6 12 34 56 78",
        "a@b.example",
    ),
    *([], {}, [[]], [None] * 500, {"": ""}, {"a" * 300: 1}, {"$ref": "#"}, {"__proto__": {"a": 1}}, {"constructor": 1}),
)
_FIELDS = ("id", "name", "schema", "occurred_at", "channel", "ids", "context", "properties", "consent", "unknown")
_RAW = (
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b'{"a":1,"a":2}',
    b'"\\ud800"',
    b'"\\u0000"',
    b"[" * 5_000,
    b"1e999999",
    b"1" * 5_000,
    b'{"k":' * 2_000 + b"1" + b"}" * 2_000,
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf[]",
    b"{",
    b"]",
    b'"',
    b"//",
    b"01",
    b"+1",
    b"'a'",
    b"{" + b",".join(b'"k%d":%d' % (number, number) for number in range(10_000)) + b"}",
)
_PATHS = ("/v1/touchpoints",) * 12 + (
    "/v1/dead-letters", "/v1/source", "/../v1/touchpoints", "/v1/touchpoints/", "//v1//touchpoints", "/%2e%2e/",
    "/v1/touchpoints%00", "/v1/touchpoints?write_key=x", "/metrics", "/openapi.json", "/" + "a" * 7_000,
    "/v1/touchpoints?" + "b=1&" * 500,
)  # fmt: skip
_TYPES = ("application/json",) * 6 + (
    "application/x-ndjson",
    "text/plain",
    "text/html",
    "multipart/form-data; boundary=x",
    "a/b;" * 50,
    "",
)
_METHODS = ("POST",) * 14 + ("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH")


@dataclass(frozen=True)
class Hostile:
    """One request as bytes, and how many hostile inputs are in it: each wrong event is one, a wrong request is one."""

    request: bytes
    inputs: int
    sum_must_be: int | None


class Drawer:
    """Draws requests. The same seed draws the same ones."""

    def __init__(self, seed: int, write_key: str) -> None:
        self._draw = random.Random(seed)
        self._write_key = write_key

    def request(self) -> Hostile:
        """One hostile request, whole as HTTP, so that the connection can go on behind it."""
        draw = self._draw
        events = [self._event() for _ in range(draw.randrange(1, 40))]
        is_clean = draw.random() < 0.5
        separator, opening, closing = (b"\n", b"", b"") if draw.random() < 0.3 else (b",", b"[", b"]")
        body = opening + separator.join(events) + closing
        content_type = "application/x-ndjson" if separator == b"\n" else "application/json"
        headers = [f"Content-Type: {content_type}"]
        method, path = "POST", "/v1/touchpoints"
        if not is_clean:
            body = self._mangled(body)
            method, path = draw.choice(_METHODS), draw.choice(_PATHS)
            headers = [f"Content-Type: {draw.choice(_TYPES)}"]
            headers += [
                f"X-{draw.randrange(10**6)}: {'v' * draw.randrange(200)}" for _ in range(draw.choice((0, 0, 0, 5, 60)))
            ]
        encoding, body, is_whole = self._compressed(body)
        if encoding:
            headers.append(f"Content-Encoding: {encoding}")
        key = self._write_key if is_clean or draw.random() < 0.9 else "pwk_" + "x" * draw.randrange(40)
        head = "\r\n".join(
            (
                f"{method} {path} HTTP/1.1",
                "Host: collector",
                f"Authorization: Bearer {key}",
                *headers,
                f"Content-Length: {len(body)}",
            )
        )
        counts = (
            is_clean and is_whole and separator == b"\n" and not any(b"\n" in one or not one.strip() for one in events)
        )
        return Hostile(
            head.encode() + b"\r\n\r\n" + body, len(events) + (not is_clean), len(events) if counts else None
        )

    def _event(self) -> bytes:
        draw = self._draw
        if draw.random() < 0.15:
            return draw.choice(_RAW)
        wrong = event()
        for _ in range(draw.choice((0, 1, 1, 2, 3))):
            where = draw.choice((wrong, wrong["properties"], wrong.setdefault("context", {}), wrong["ids"]))
            if isinstance(where, dict):
                key = draw.choice(
                    (*_FIELDS, "price", "currency", "url", "user_agent", "referrer", "ip", "email", "phone", "campaign")
                )
                where[key] = deepcopy(draw.choice(_VALUES))
            if not all(isinstance(wrong.get(part), dict) for part in ("properties", "ids", "context")):
                break
        written = json.dumps(wrong, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass")
        return self._mangled(written) if draw.random() < 0.2 else written

    def _mangled(self, content: bytes) -> bytes:
        draw = self._draw
        mangled = bytearray(content)
        for _ in range(draw.choice((1, 1, 2, 8))):
            at = draw.randrange(len(mangled) + 1)
            match draw.randrange(4):
                case 0 if mangled:
                    mangled[min(at, len(mangled) - 1)] = draw.randrange(256)
                case 1:
                    del mangled[at : at + draw.randrange(1, 30)]
                case 2:
                    mangled[at:at] = draw.choice(_RAW)[:200]
                case _:
                    mangled[at:at] = mangled[: draw.randrange(1, 60)]
        return bytes(mangled)

    def _compressed(self, body: bytes) -> tuple[str, bytes, bool]:
        """The encoding's name, the body in it, and whether exactly `body` comes out again."""
        draw = self._draw
        match draw.randrange(14):
            case 0:
                return "gzip", gzip.compress(body, 1), True
            case 1:
                return "zstd", zstd.compress(body), True
            case 2:
                return "gzip", self._mangled(gzip.compress(body, 1)), False
            case 3:
                return "zstd", self._mangled(zstd.compress(body)), False  # it has no checksum
            case 4 if draw.random() < 0.1:
                return "gzip", gzip.compress(bytes(60_000_000), 9), False  # a bomb
            case 5 if draw.random() < 0.1:
                return "gzip", gzip.compress(gzip.compress(bytes(20_000_000), 9), 9), False
            case 6:
                return draw.choice(("br", "deflate", "gzip, gzip", "x" * 100)), zlib.compress(body), False
            case _:
                return "", body, True
