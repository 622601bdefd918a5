"""Who has asked to be forgotten: their identifiers come no more, whoever sends them, and whenever.

The list holds keyed hashes only, so that it says of nobody who they are. It is read again when its file changes.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import orjson
import structlog

from parcours_collector.errors import OperatorError
from parcours_collector.intake.shared_file import changing, replace_file
from parcours_schemas.identifiers.kinds import IdentifierKind

_log = structlog.get_logger()
FILE = "suppressed.json"
_USUAL_KINDS = tuple(kind.value for kind in IdentifierKind)
"""Taken for those of a list that names none, as lists did not at first."""


class UnreadableSuppressions(OperatorError):
    """The list of the forgotten cannot be read."""

    tag = "unreadable_suppressions"
    remedy = "Restore the file from a backup; without it the forgotten would come back."


class Suppressions:
    """The identifiers that are kept out.

    Attributes:
        kinds: Of them: where a text does not say what it means, it is taken for each.
        generation: How often the list has changed under this reader.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_of: tuple[int, int, int] | None = None
        self._held: frozenset[str] = frozenset()
        self.kinds: frozenset[str] = frozenset()
        self.generation = 0
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
            read = orjson.loads(self._file.read_bytes())
            held, kinds = frozenset(map(str, read["suppressed"])), frozenset(map(str, read.get("kinds", _USUAL_KINDS)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if self._read_of is None:
                raise UnreadableSuppressions(f"{self._file} is no list of suppressed identifiers.") from error
            _log.error("suppressions_unreadable", consequence="the last good list goes on")
        else:
            self._held, self.kinds = held, kinds
            self.generation += 1
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

    def names(self, words: Iterable[str], project: str, keys: Sequence[bytes]) -> bool:
        """Whether any of these texts is, as any kind of identifier, of somebody who was forgotten."""
        openings = [(key, "\0".join((project, kind, "")).encode()) for key in keys for kind in self.kinds]
        return any(
            hmac.digest(key, opening + word.encode("utf-8", "replace"), "sha256").hex() in self._held
            for word in words
            for key, opening in openings
        )

    def add(self, forms: Iterable[str], kinds: Iterable[str] = ()) -> None:
        """Keep more identifiers out, of these kinds, from now on; on the disk when it returns."""
        with changing(self._file):
            self.refresh()
            whole = {"suppressed": sorted(self._held | set(forms)), "kinds": sorted(self.kinds | set(kinds))}
            replace_file(self._file, orjson.dumps(whole, option=orjson.OPT_INDENT_2))
        self.refresh()


def latest_of(suppressions: Suppressions | None) -> int:
    """Read a list again if it changed; return its generation. None is a list of nobody, which never changes."""
    if suppressions is None:
        return 0
    suppressions.refresh()
    return suppressions.generation


def suppressed_form(kind: str, value: str, project: str, key: bytes) -> str:
    """Return the keyed hash by which an identifier is kept out of a project."""
    return hmac.digest(key, "\0".join((project, kind, value)).encode("utf-8", "replace"), "sha256").hex()


def suppressed_forms(identifiers: Sequence[tuple[str, str]], project: str, key: bytes) -> list[str]:
    """Return those of several identifiers."""
    return [suppressed_form(kind, value, project, key) for kind, value in identifiers]
