"""A claim on one spool in a folder: a file lock that its process holds while it lives, whatever way it ends.

It knows names and locks, not what a spool holds. Two processes never hold the same claim; the claim of a dead one is
free for whoever comes first.
"""

import errno
import os
import secrets
import sys
import time
from collections.abc import MutableSet
from contextlib import suppress
from pathlib import Path
from typing import Self

from parcours.clock import boot_id

_LOCK = ".lock"
_TRIES = 5


class Claim:
    """The right to one spool. Its files share the claim's name: `file` gives them.

    Attributes:
        name: Names sort by age.
        boot: The boot id of the process that made it.
    """

    def __init__(self, folder: Path, name: str, descriptor: int, boot: str) -> None:
        self.name = name
        self.boot = boot
        self._folder = folder
        self._descriptor = descriptor

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Claim a new spool in a folder, which is made when it is not there.

        Raises:
            OSError: The folder cannot be used.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for _ in range(_TRIES):
            name = f"{time.time_ns() // 1_000_000:014d}-{os.getpid()}-{secrets.token_hex(4)}"
            # Somebody who looks for the dead may lock it first, and take it for one.
            claim = cls._lock(folder, name, os.O_CREAT | os.O_EXCL)
            if claim is not None:
                try:
                    claim.boot = boot_id()
                    claim.file(_LOCK).write_text(claim.boot, "ascii")
                except BaseException:
                    claim.release(unlink=True)
                    raise
                return claim
        raise OSError(errno.EAGAIN, "no file could be locked")

    @classmethod
    def of_a_dead_process(cls, folder: Path, *, but: MutableSet[str]) -> Self | None:
        """Claim the oldest spool that nobody holds, not one of `but`, or return None.

        A lock that cannot be opened or read, as another user's, joins `but`.

        Raises:
            OSError: The folder cannot be read.
        """
        for name in names(folder):
            claim = None
            try:
                claim = None if name in but else cls._lock(folder, name, 0)
                if claim is not None:
                    claim.boot = claim.file(_LOCK).read_text("ascii", "replace")
                    return claim
            except OSError:
                but.add(name)
                if claim is not None:
                    claim.release(unlink=False)
        return None

    def file(self, suffix: str) -> Path:
        """Return the path of a file of this spool."""
        return self._folder / f"{self.name}{suffix}"

    def release(self, *, unlink: bool) -> None:
        """Give the spool to whoever comes next, or end it when nothing is left in it.

        Ended, no file of its name stays but what was set aside as damaged.
        """
        if unlink:
            with suppress(OSError):
                for file in self._folder.glob(f"{self.name}.*"):
                    if ".damaged" not in file.name and file.suffix != _LOCK:
                        file.unlink(missing_ok=True)
            # Before it is unlocked: whoever waits for the lock sees that the name is gone.
            with suppress(OSError):
                self.file(_LOCK).unlink()
        self.leave_to_the_parent()

    def leave_to_the_parent(self) -> None:
        """In a forked child: close the inherited lock, which stays the parent's. It would outlive the parent else."""
        with suppress(OSError):
            os.close(self._descriptor)

    @classmethod
    def _lock(cls, folder: Path, name: str, flags: int) -> Self | None:
        import fcntl

        path = folder / f"{name}{_LOCK}"
        try:
            descriptor = os.open(path, os.O_RDWR | flags, 0o600)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                return cls(folder, name, descriptor, "")
        except (BlockingIOError, FileNotFoundError):
            pass
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None


def names(folder: Path) -> list[str]:
    """Return the names of the spools in a folder, held or not, oldest first."""
    try:
        return sorted(file.name.removesuffix(_LOCK) for file in folder.iterdir() if file.suffix == _LOCK)
    except FileNotFoundError:
        return []


def supported() -> bool:
    """Whether this system has the locks that a spool needs."""
    return sys.platform != "win32"
