"""The anonymous id of a browser: a random id in a signed first-party cookie that lives 13 months at most.

The signature keeps visitors from choosing ids, and with them the history of somebody else. A cookie is never prolonged.
It knows no framework and no consent: whoever asks for an id decides whether there may be one.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID, uuid4

from parcours.errors import InvalidOptions

MAX_AGE_DAYS = 395
"""13 months: what European authorities allow, and less than the 400 days that browsers allow."""
_KEY_MIN_BYTES = 16
_DAY_SECONDS = 86_400
_CLOCK_TOLERANCE_SECONDS = _DAY_SECONDS


class CookieAttributes(TypedDict):
    """What every framework's `set_cookie` takes besides name and value."""

    max_age: int
    path: str
    domain: str | None
    secure: bool
    httponly: bool
    samesite: str


@dataclass(frozen=True, slots=True)
class CookieChange:
    """A cookie to set, or to remove when `max_age` is 0."""

    name: str
    value: str
    attributes: CookieAttributes

    def header(self) -> str:
        """Return the value of a `Set-Cookie` header."""
        given = self.attributes
        parts = [f"{self.name}={self.value}", f"Max-Age={given['max_age']}", f"Path={given['path']}"]
        if given["domain"]:
            parts.append(f"Domain={given['domain']}")
        if given["secure"]:
            parts.append("Secure")
        return "; ".join([*parts, "HttpOnly", f"SameSite={given['samesite']}"])


class AnonymousIdCookie:
    """Make, read and remove the cookie of anonymous ids. Thread-safe.

    Args:
        keys: Secrets of at least 16 bytes: the first signs, all are accepted, so that a key can be changed.
        name: Of the cookie.
        max_age_days: How long an id lives, 1 to 395.
        domain: Set to share the id between subdomains; this very host when None.

    Raises:
        InvalidOptions: A key is missing or short, or the age is out of bounds.
    """

    def __init__(
        self, keys: Sequence[str | bytes], *, name: str, max_age_days: int = MAX_AGE_DAYS, domain: str | None = None
    ) -> None:
        self._keys = [key.encode() if isinstance(key, str) else key for key in keys]
        if not self._keys or min(map(len, self._keys)) < _KEY_MIN_BYTES:
            raise InvalidOptions(
                f"A cookie key is missing or shorter than {_KEY_MIN_BYTES} bytes.",
                remedy='Make one with python -c "import secrets; print(secrets.token_hex(32))" and keep it secret.',
            )
        if not 1 <= max_age_days <= MAX_AGE_DAYS:
            raise InvalidOptions(
                f"An anonymous id cannot live {max_age_days} days.", remedy=f"Give 1 to {MAX_AGE_DAYS} days."
            )
        self.name = name
        self._max_age_seconds = max_age_days * _DAY_SECONDS
        self._domain = domain

    def make(self, now_seconds: float, *, secure: bool) -> tuple[str, CookieChange]:
        """Return a new id and the cookie that carries it."""
        anonymous_id = str(uuid4())
        signed = f"{anonymous_id}.{int(now_seconds)}"
        value = f"{signed}.{self._signature(self._keys[0], signed)}"
        return anonymous_id, self._change(value, self._max_age_seconds, secure=secure)

    def read(self, value: str | None, now_seconds: float) -> str | None:
        """Return the id in a cookie; None when there is none, or it is not ours, altered or too old."""
        if not value or not value.isascii():
            return None
        signed, _, signature = value.rpartition(".")
        valid = [hmac.compare_digest(self._signature(key, signed), signature) for key in self._keys]
        if not any(valid):
            return None
        anonymous_id, _, issued_at = signed.partition(".")
        age_seconds = now_seconds - int(issued_at)
        if not -_CLOCK_TOLERANCE_SECONDS <= age_seconds < self._max_age_seconds:
            return None
        return str(UUID(anonymous_id))

    def removal(self, *, secure: bool) -> CookieChange:
        """Return what makes a browser forget the cookie."""
        return self._change("", 0, secure=secure)

    def _signature(self, key: bytes, signed: str) -> str:
        # The name of the cookie and of its purpose: a key may sign other things too.
        digest = hmac.digest(key, f"parcours anonymous id\0{self.name}\0{signed}".encode(), "sha256")
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    def _change(self, value: str, max_age_seconds: int, *, secure: bool) -> CookieChange:
        return CookieChange(
            self.name,
            value,
            {
                "max_age": max_age_seconds,
                "path": "/",
                "domain": self._domain,
                "secure": secure,
                "httponly": True,
                "samesite": "Lax",
            },
        )
