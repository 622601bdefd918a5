"""A team's tracking plan: read from its folder, and followed there while the collector runs."""

from collections.abc import Iterator
from pathlib import Path

import structlog

from parcours_collector.errors import InvalidSettings
from parcours_schemas.compatibility import ChangeKind, compatibility, declaration_changes, needed_version
from parcours_schemas.errors import InvalidPlan, MissingExtra
from parcours_schemas.plan import TrackingPlan
from parcours_schemas.versions import SchemaVer

_log = structlog.get_logger()

_MOST_REASONS_SAID = 20
_Look = tuple[tuple[str, int, int, int, int], ...] | None
"""What tells one state of a folder from another: name, inode, times of content and of inode, size of each file."""


def read_plan(folder: Path | None) -> TrackingPlan | None:
    """Return the plan that a folder of `.json` files holds; None for no folder.

    Raises:
        InvalidSettings: The folder is not there, or a file in it cannot be used; the message names the file.
    """
    if folder is None:
        return None
    if not folder.is_dir():
        raise InvalidSettings(
            f"The plan {folder} is not a folder.", remedy="Give the folder of your JSON Schema files."
        )
    try:
        return TrackingPlan.from_documents({file.name: file.read_bytes() for file in sorted(folder.glob("*.json"))})
    except (InvalidPlan, MissingExtra) as error:
        raise InvalidSettings(f"The plan in {folder} cannot be used: {error}.", remedy="Mend the file.") from error


def refusals(old: TrackingPlan, new: TrackingPlan) -> list[str]:
    """Say what of a plan must not take the place of another while senders rely on it; empty when nothing.

    Refused are a touchpoint that is gone, a breaking change whatever its version, and a change greater than its version
    says (which the same version with another content is).
    """
    return [f"{name}: {reason}" for name in old.names for reason in _refusals_of(name, old, new)]


def _refusals_of(name: str, old: TrackingPlan, new: TrackingPlan) -> Iterator[str]:
    if name not in new.schemas:
        yield "it is gone, and all its events would be refused"
        return
    was, given = old.declarations[name], new.declarations[name]
    changes = [*compatibility(old.schemas[name], new.schemas[name]), *declaration_changes(was, given)]
    breaking = [change for change in changes if change.kind is ChangeKind.BREAKING]
    for change in breaking:
        yield f"{change.path or '/'}: {change.what}"
    version, needed = SchemaVer.parse(given.version), needed_version(SchemaVer.parse(was.version), changes)
    if breaking:
        return
    if version.model != SchemaVer.parse(was.version).model:
        yield f"its model was {was.version} and is {given.version}: events of the former one would be refused"
    elif version < needed:
        yield f"its version was {was.version} and is {given.version}: what changed asks for {needed}"


class LivingPlan:
    """The plan that counts now: the last good one of a folder that changes. `current` is swapped whole.

    Attributes:
        current: The plan; None without a folder.
        reloads: How many changes were taken.
        is_refused: Whether the folder holds something else than `current`, which cannot be taken.
    """

    def __init__(self, folder: Path | None) -> None:
        """Read a folder as it is.

        Raises:
            InvalidSettings: As `read_plan`.
        """
        self._folder = folder
        self._judged = self._seen = _look_of(folder)
        self.current = read_plan(folder)
        self.reloads = 0
        self.is_refused = False

    def look(self) -> bool:
        """Take what the folder holds now; return whether `current` is another plan. Compiles: not for an event loop.

        A folder is read when two looks in a row find it the same, so that a copy under way is let finish. What cannot
        be taken is said once in the log.
        """
        if self._folder is None or self.current is None:
            return False
        found = _look_of(self._folder)
        if found == self._judged or found != self._seen:
            self._seen = found
            return False
        plan: TrackingPlan | None = None
        try:
            plan = read_plan(self._folder)
            reasons = [] if plan is None else refusals(self.current, plan)
        except InvalidSettings as error:
            reasons = [error.message]
        except OSError as error:
            reasons = [f"the folder cannot be read: {error.strerror}"]
        if _look_of(self._folder) != found:
            return False
        self._judged = found
        self.is_refused = bool(reasons)
        if reasons or plan is None:
            _log.error("plan_refused", reasons=reasons[:_MOST_REASONS_SAID], consequence="the last good one goes on")
            return False
        if plan.schemas == self.current.schemas:
            return False
        self.current = plan
        self.reloads += 1
        _log.info("plan_reloaded", touchpoints=len(plan.names))
        return True


def _look_of(folder: Path | None) -> _Look:
    """Return the state of a folder; None when it is not there, or changes under the look."""
    if folder is None:
        return None
    try:
        files = [(file.name, file.stat()) for file in sorted(folder.iterdir()) if file.suffix == ".json"]
    except OSError:
        return None
    return tuple((name, at.st_ino, at.st_mtime_ns, at.st_ctime_ns, at.st_size) for name, at in files)
