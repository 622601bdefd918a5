"""A source: who emits, what its write key may do, and who has to stand back first when the collector is full."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from parcours_collector.errors import OperatorError
from parcours_schemas.envelope import OLDEST_OCCURRED_AT


class SourceKind(StrEnum):
    """What kind of program holds a key."""

    BROWSER = "browser"
    """A web page: its key is public, and good for the origins and names that it is given only."""
    SERVER = "server"
    """A backend or an app's own server."""
    STORE = "store"
    """A till, a kiosk, a terminal: what it sends is not seen again. Turned away last."""
    CRM = "crm"
    """A CRM, an import. Turned away last."""


SHARE_OF_ROOM = {SourceKind.BROWSER: 0.8, SourceKind.SERVER: 0.9, SourceKind.STORE: 1.0, SourceKind.CRM: 1.0}
"""How full the log may be for a source of each kind to be let in, as a share of the high-water mark."""

OLDEST_DAYS = {SourceKind.BROWSER: 90, SourceKind.STORE: 730, SourceKind.SERVER: None, SourceKind.CRM: None}
"""How long ago a touchpoint may have happened when it comes. A page or a till that says more has a wrong clock, and
every month that it names would be a partition of its own; a backend or a CRM may have a history to tell."""
_MOST_DAYS = 36_500


class InvalidSource(OperatorError):
    """A source cannot be what is asked for."""

    tag = "invalid_source"
    remedy = "`parcours keys create --help` explains every option."


@dataclass(frozen=True, slots=True)
class Source:
    """Who emits: a site, an app, a till, the CRM.

    Attributes:
        name: Of the source.
        project: That it belongs to.
        key_sha256: Of its write key, in hexadecimal.
        created_at: When the key was made.
        revoked_at: When the key stops, or stopped, being good; None while nobody has said so.
        kind: What kind of program holds the key.
        names: Patterns of the touchpoints it may send, such as `product_*`; empty for all.
        origins: Of the pages that may use a browser's key: `https://shop.example`, or `https://*.shop.example`.
        quota_per_second: Touchpoints it may send in the long run; None for any number.
        oldest_days: How long ago its touchpoints may have happened; None for what its kind may.
    """

    name: str
    project: str
    key_sha256: str
    created_at: datetime
    revoked_at: datetime | None = None
    kind: SourceKind = SourceKind.SERVER
    names: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    quota_per_second: float | None = None
    oldest_days: int | None = None

    def is_good(self, at: datetime) -> bool:
        """Whether its key is good at an instant."""
        return self.revoked_at is None or at < self.revoked_at

    def may_send(self, name: str) -> bool:
        """Whether it may send touchpoints of this name."""
        return not self.names or any(fnmatchcase(name, pattern) for pattern in self.names)

    def oldest_at(self, received_at: datetime) -> datetime:
        """The earliest time of a touchpoint that comes at an instant; what is older goes to the dead letters, whole."""
        days = self.oldest_days or OLDEST_DAYS[self.kind]
        return OLDEST_OCCURRED_AT if days is None else max(received_at - timedelta(days=days), OLDEST_OCCURRED_AT)

    def admits_origin(self, origin: str) -> bool:
        """Whether a page of this origin may use its key."""
        return any(_covers(allowed, origin) for allowed in self.origins)

    def checked(self) -> "Source":
        """Return itself.

        Raises:
            InvalidSource: A browser's key without origins, a secret key with some, an origin that is none.
        """
        if self.kind is SourceKind.BROWSER and not self.origins:
            raise InvalidSource("A browser's key is public: say which pages may use it.", remedy="Give --origin.")
        if self.kind is not SourceKind.BROWSER and self.origins:
            raise InvalidSource("Only a browser's key has origins.", remedy="Give --kind browser, or no --origin.")
        for origin in self.origins:
            if _parts(origin) is None:
                raise InvalidSource(f"'{origin}' is no origin.", remedy="Write it as https://shop.example.")
        if self.quota_per_second is not None and not 0 < self.quota_per_second < 1e9:
            raise InvalidSource("A quota is a positive number of touchpoints a second.")
        if self.oldest_days is not None and not 0 < self.oldest_days <= _MOST_DAYS:
            raise InvalidSource(f"The oldest touchpoints are 1 to {_MOST_DAYS:,} days old.")
        return self

    def as_row(self) -> dict[str, Any]:
        """Return it as the registry's file has it."""
        return {
            "name": self.name,
            "project": self.project,
            "key_sha256": self.key_sha256,
            "created_at": self.created_at.isoformat(),
            "revoked_at": None if self.revoked_at is None else self.revoked_at.isoformat(),
            "kind": self.kind,
            "names": list(self.names),
            "origins": list(self.origins),
            "quota_per_second": self.quota_per_second,
            "oldest_days": self.oldest_days,
        }

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> "Source":
        """Return what a row of the registry's file says; rows of former versions say less."""
        revoked_at = row["revoked_at"]
        return cls(
            name=str(row["name"]),
            project=str(row["project"]),
            key_sha256=str(row["key_sha256"]),
            created_at=datetime.fromisoformat(str(row["created_at"])),
            revoked_at=None if revoked_at is None else datetime.fromisoformat(revoked_at).astimezone(UTC),
            kind=SourceKind(row.get("kind", SourceKind.SERVER)),
            names=tuple(row.get("names", ())),
            origins=tuple(row.get("origins", ())),
            quota_per_second=row.get("quota_per_second"),
            oldest_days=row.get("oldest_days"),
        )


def _parts(origin: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port of an origin; None when it is none."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.path or parts.query or parts.fragment:
        return None
    return (parts.scheme, parts.hostname, port) if "@" not in parts.netloc else None


def _covers(allowed: str, origin: str) -> bool:
    ours, theirs = _parts(allowed), _parts(origin)
    if ours is None or theirs is None or ours[0] != theirs[0] or ours[2] != theirs[2]:
        return False
    if ours[1].startswith("*."):
        return theirs[1].endswith(ours[1][1:]) and "*" not in theirs[1]
    return ours[1] == theirs[1]
