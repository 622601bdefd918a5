"""The few operations on files that the log's promises rest on.

A class, so that the fault rig can put a failing disk in its place; everything else in this room touches files through
it. It knows descriptors and paths, nothing of records.
"""

import fcntl
import os
from pathlib import Path

from parcours_collector.errors import WalInUse


class Disk:
    """Files of one folder on a POSIX file system. Every method may raise `OSError`."""

    def create(self, path: Path) -> int:
        """Create a file for appending and return its descriptor; its name is on the disk when this returns."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self.sync_folder(path.parent)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def write(self, descriptor: int, content: bytes) -> None:
        """Write all of `content`."""
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]

    def sync(self, descriptor: int) -> None:
        """Return when what was written is on the disk. After an error the descriptor is worth nothing any more."""
        os.fdatasync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close the descriptor."""
        os.close(descriptor)

    def cut(self, path: Path, size_bytes: int) -> None:
        """Shorten a file to `size_bytes`, through a descriptor of its own, and sync it; remove it at 0.

        A file that is gone, because it was released meanwhile, needs no cutting.
        """
        if size_bytes == 0:
            path.unlink(missing_ok=True)
            self.sync_folder(path.parent)
            return
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            os.ftruncate(descriptor, size_bytes)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def store(self, path: Path, content: bytes) -> None:
        """Write a small file whole and sync it, name included."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            self.write(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.sync_folder(path.parent)

    def overwrite(self, path: Path, offset: int, content: bytes) -> None:
        """Replace bytes within an existing file and sync them: needs no free space."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(descriptor, content, offset)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in `folder` are on the disk."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class FolderLock:
    """The right to write one folder: at most one process holds it, and it ends with the process."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            WalInUse: Another process, or another log of this process, holds it.
        """
        self._descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise WalInUse(f"The write-ahead log in {folder} is held by process {holder or 'unknown'}.") from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the folder back."""
        os.close(self._descriptor)
