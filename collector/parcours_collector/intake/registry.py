"""Who may send: projects, their sources, and the hashes of the sources' write keys, in one file of mode 600.

A write key is shown once, when it is made; the file holds its SHA-256 only (a key is 192 random bits: no salt or slow
hash adds anything). The keys that hash a project's e-mails and phone numbers are here too, in clear: whoever can read
this file can link hashes to people.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import orjson

from parcours_collector.errors import OperatorError
from parcours_collector.intake.identifier_keys import IdentifierKeys
from parcours_collector.intake.shared_file import replace_file
from parcours_collector.intake.source import Source, SourceKind

KEY_PREFIX = "pwk_"


class UnreadableRegistry(OperatorError):
    """The registry file cannot be used."""

    tag = "unreadable_registry"
    remedy = "Restore the file from a backup; do not delete it: it holds the key that hashes identifiers."


class UnknownSource(OperatorError):
    """There is no such source, or there is one already."""

    tag = "unknown_source"
    remedy = "`parcours keys list` shows the sources."


class UnknownProject(OperatorError):
    """There is no such project."""

    tag = "unknown_project"
    remedy = "`parcours keys list` shows the sources and their projects."


@dataclass(frozen=True, slots=True)
class Registry:
    """Every source and every project's identifier keys."""

    sources: tuple[Source, ...] = ()
    identifier_keys: dict[str, IdentifierKeys] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return what the file holds; an absent file is an empty registry.

        Raises:
            UnreadableRegistry: The file is there and is not one of ours.
        """
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return cls()
        try:
            held = orjson.loads(content)
            return cls(
                sources=tuple(Source.of_row(row) for row in held["sources"]),
                identifier_keys={name: IdentifierKeys.of_row(keys) for name, keys in held["identifier_keys"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableRegistry(f"{file} is not a registry of Parcours.") from error

    def write(self, file: Path) -> None:
        """Replace the file in one step, readable by its owner only. Whoever changes what it held holds `changing`."""
        content = orjson.dumps(
            {
                "sources": [source.as_row() for source in self.sources],
                "identifier_keys": {name: keys.as_row() for name, keys in self.identifier_keys.items()},
            },
            option=orjson.OPT_INDENT_2,
        )
        replace_file(file, content)

    def with_source(
        self,
        name: str,
        project: str,
        *,
        kind: SourceKind = SourceKind.SERVER,
        names: Sequence[str] = (),
        origins: Sequence[str] = (),
        quota_per_second: float | None = None,
        oldest_days: int | None = None,
    ) -> tuple[Self, str]:
        """Return a registry with one more source, and its write key, which is kept nowhere.

        Raises:
            UnknownSource: A source of this name has a good key already.
            InvalidSource: It cannot be what is asked for.
        """
        if any(source.name == name and source.revoked_at is None for source in self.sources):
            raise UnknownSource(
                f"The source '{name}' has a write key already.", remedy="Revoke it first, or give another name."
            )
        write_key = KEY_PREFIX + secrets.token_urlsafe(24)
        source = Source(
            name,
            project,
            _sha256(write_key),
            created_at=datetime.now(UTC),
            kind=kind,
            names=tuple(names),
            origins=tuple(origins),
            quota_per_second=quota_per_second,
            oldest_days=oldest_days,
        ).checked()
        keys = {project: IdentifierKeys.new(), **self.identifier_keys}
        return replace(self, sources=(*self.sources, source), identifier_keys=keys), write_key

    def with_new_key(self, name: str, grace: timedelta) -> tuple[Self, str]:
        """Return a registry in which a source has a new write key, and that key; the old one stays good for `grace`.

        Raises:
            UnknownSource: No source of this name has a good key.
        """
        before = next((one for one in self.sources if one.name == name and one.revoked_at is None), None)
        if before is None:
            raise UnknownSource(f"No source '{name}' with a good write key.")
        ending = self.without_source(name, after=grace)
        write_key = KEY_PREFIX + secrets.token_urlsafe(24)
        source = replace(before, key_sha256=_sha256(write_key), created_at=datetime.now(UTC))
        return replace(ending, sources=(*ending.sources, source)), write_key

    def without_source(self, name: str, *, after: timedelta = timedelta(0)) -> Self:
        """Return a registry in which every key of this source is revoked.

        Raises:
            UnknownSource: No source of this name has a good key.
        """
        now = datetime.now(UTC)
        if not any(source.name == name and source.is_good(now) for source in self.sources):
            raise UnknownSource(f"No source '{name}' with a good write key.")
        ends_at = now + after
        return replace(
            self,
            sources=tuple(
                replace(source, revoked_at=min(source.revoked_at or ends_at, ends_at))
                if source.name == name and source.is_good(now)
                else source
                for source in self.sources
            ),
        )

    def with_identifier_key(self, project: str, *, keep: int) -> Self:
        """Return a registry in which a project has a new identifier key, and so many former ones stay in use.

        Raises:
            UnknownProject: No source was ever made for this project.
        """
        return self._with_keys(project, self._keys_of(project).rotated(keep))

    def with_former_identifier_keys(self, project: str, *, keep: int) -> Self:
        """Return a registry in which so many former identifier keys of a project stay in use.

        Raises:
            UnknownProject: No source was ever made for this project.
        """
        return self._with_keys(project, self._keys_of(project).kept(keep))

    def _keys_of(self, project: str) -> IdentifierKeys:
        try:
            return self.identifier_keys[project]
        except KeyError:
            raise UnknownProject(f"There is no project '{project}'.") from None

    def _with_keys(self, project: str, keys: IdentifierKeys) -> Self:
        return replace(self, identifier_keys={**self.identifier_keys, project: keys})

    def find(self, write_key: str) -> Source | None:
        """Return the source of this key, revoked or not. Takes the same time whichever source it is, or none."""
        presented = _sha256(write_key)
        found = None
        for source in self.sources:
            if hmac.compare_digest(source.key_sha256, presented):
                found = source
        return found


def _sha256(write_key: str) -> str:
    return hashlib.sha256(write_key.encode("utf-8", "surrogateescape")).hexdigest()
