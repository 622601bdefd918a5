"""Who has asked to be forgotten: their identifiers come no more, whoever sends them, and whenever.

The list holds keyed hashes only, so that it says of nobody who they are. It is read again when its file changes.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import orjson
import structlog

from parcours_collector.errors import OperatorError
from parcours_collector.intake.shared_file import changing, replace_file

_log = structlog.get_logger()
FILE = "suppressed.json"


class UnreadableSuppressions(OperatorError):
    """The list of the forgotten cannot be read."""

    tag = "unreadable_suppressions"
    remedy = "Restore the file from a backup; without it the forgotten would come back."


class Suppressions:
    """The identifiers that are kept out."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_of: tuple[int, int, int] | None = None
        self._held: frozenset[str] = frozenset()
        self.refresh()

    @property
    def count(self) -> int:
        """How many identifiers are kept out."""
        return len(self._held)

    def refresh(self) -> bool:
        """Read the list again if its file changed; return whether it did. The last good one goes on if it is damaged.

        Raises:
            UnreadableSuppressions: There is no good one yet.
        """
        try:
            status = self._file.stat()
        except FileNotFoundError:
            return False
        now = (status.st_ino, status.st_mtime_ns, status.st_size)
        if now == self._read_of:
            return False
        try:
            held = frozenset(map(str, orjson.loads(self._file.read_bytes())["suppressed"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            if self._read_of is None:
                raise UnreadableSuppressions(f"{self._file} is no list of suppressed identifiers.") from error
            _log.error("suppressions_unreadable", consequence="the last good list goes on")
        else:
            self._held = held
        self._read_of = now
        return True

    def covers(self, ids: Mapping[str, object], project: str, keys: Sequence[bytes]) -> bool:
        """Whether any of these identifiers, as kept at rest, is of somebody who was forgotten under any of the keys."""
        if not self._held:
            return False
        return any(
            suppressed_form(kind, str(value), project, key) in self._held
            for kind, values in ids.items()
            for value in (values if isinstance(values, list | tuple) else (values,))
            for key in keys
        )

    def add(self, forms: Iterable[str]) -> None:
        """Keep more identifiers out, from now on; on the disk when it returns."""
        with changing(self._file):
            self.refresh()
            content = orjson.dumps({"suppressed": sorted(self._held | set(forms))}, option=orjson.OPT_INDENT_2)
            replace_file(self._file, content)
        self.refresh()


def suppressed_form(kind: str, value: str, project: str, key: bytes) -> str:
    """Return the keyed hash by which an identifier is kept out of a project."""
    return hmac.new(key, "\0".join((project, kind, value)).encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def suppressed_forms(identifiers: Sequence[tuple[str, str]], project: str, key: bytes) -> list[str]:
    """Return those of several identifiers."""
    return [suppressed_form(kind, value, project, key) for kind, value in identifiers]
