"""From a request's write key to the source that sends, and back to 401 when there is none.

The registry is read again when its file changes, so that a new or a revoked key counts without a restart.
"""

from pathlib import Path

import structlog

from parcours_collector.errors import Unauthorized
from parcours_collector.intake.registry import Registry, Source, UnreadableRegistry

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

    def authenticate(self, authorization: str | None) -> Source:
        """Return the source whose key an `Authorization` header carries.

        Raises:
            Unauthorized: No key, an unknown one, or a revoked one; the message says which, and never repeats the key.
        """
        if not authorization or not authorization.lower().startswith(_SCHEME):
            raise Unauthorized("The request carries no write key.")
        source = self._registry.find(authorization[len(_SCHEME) :].strip())
        if source is None:
            raise Unauthorized("The write key is unknown.")
        if source.revoked_at is not None:
            raise Unauthorized(
                f"The write key of the source '{source.name}' was revoked at {source.revoked_at:%Y-%m-%dT%H:%M:%SZ}.",
                remedy="Ask for a new key: `parcours keys create`.",
            )
        return source

    def identifier_key(self, project: str) -> bytes:
        """Return the secret that hashes this project's e-mails and phone numbers."""
        return self._registry.identifier_keys[project]
