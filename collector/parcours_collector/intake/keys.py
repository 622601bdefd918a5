"""From a request's write key to the source that sends, and back to 401 when there is none.

The registry is read again when its file changes, so that a new or a revoked key counts without a restart.
"""

from datetime import UTC, datetime
from pathlib import Path

import structlog

from parcours_collector.errors import Unauthorized
from parcours_collector.intake.identifier_keys import IdentifierKeys
from parcours_collector.intake.registry import Registry, UnreadableRegistry
from parcours_collector.intake.source import Source, SourceKind

_log = structlog.get_logger()

_SCHEME = "bearer "


class KeyRing:
    """The write keys that count now."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_of: tuple[int, int, int] | None = None
        self._registry = Registry()
        self.refresh()

    def refresh(self) -> None:
        """Read the registry again if its file changed, and keep the last good one if it cannot be read.

        Raises:
            UnreadableRegistry: There is no good one yet.
        """
        try:
            status = self._file.stat()
        except FileNotFoundError:
            now = None
        else:
            now = (status.st_ino, status.st_mtime_ns, status.st_size)
        if now == self._read_of:
            return
        try:
            self._registry = Registry.read(self._file)
        except UnreadableRegistry as error:
            if self._read_of is None:
                raise
            _log.error("registry_unreadable", message=error.message, consequence="the last good one goes on")
        self._read_of = now

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources whose keys are good now."""
        now = datetime.now(UTC)
        return tuple(source for source in self._registry.sources if source.is_good(now))

    def authenticate(self, authorization: str | None, write_key: str | None = None) -> Source:
        """Return the source whose key an `Authorization` header carries.

        Args:
            authorization: The header.
            write_key: From the address, where a page cannot set a header (`navigator.sendBeacon`): public keys only.

        Raises:
            Unauthorized: No key, an unknown one, or a revoked one; the message says which, and never repeats the key.
        """
        if authorization and authorization.lower().startswith(_SCHEME):
            source = self._registry.find(authorization[len(_SCHEME) :].strip())
        elif write_key:
            source = self._registry.find(write_key)
            if source is not None and source.kind is not SourceKind.BROWSER:
                raise Unauthorized(
                    "A secret write key stands in the address, where logs and proxies see it.",
                    remedy="Send it as `Authorization: Bearer`, and rotate it: `parcours keys rotate`.",
                )
        else:
            raise Unauthorized("The request carries no write key.")
        if source is None:
            raise Unauthorized("The write key is unknown.")
        if source.revoked_at is not None and not source.is_good(datetime.now(UTC)):
            raise Unauthorized(
                f"The write key of the source '{source.name}' was revoked at {source.revoked_at:%Y-%m-%dT%H:%M:%SZ}.",
                remedy="Ask for a new key: `parcours keys create`.",
            )
        return source

    def identifier_keys(self, project: str) -> IdentifierKeys:
        """Return the secrets that hash this project's e-mails and phone numbers."""
        return self._registry.identifier_keys[project]
