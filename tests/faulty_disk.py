"""A disk that fails when told to, and forgets at a crash what was never synced."""

import errno
import os
import threading
from pathlib import Path

from parcours_collector.wal.disk import Disk


class FaultyDisk(Disk):
    """A real disk with faults: `full` and `broken_sync` last until cleared; `hold` stops the next sync until set."""

    def __init__(self) -> None:
        self.full = False
        self.broken_sync = False
        self.hold: threading.Event | None = None
        self.holding = threading.Event()
        self.syncs = 0
        self.failed_descriptors: set[int] = set()
        self._paths: dict[int, Path] = {}
        self._synced_bytes: dict[Path, int] = {}

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        self._paths[descriptor] = path
        self._synced_bytes[path] = 0
        return descriptor

    def close(self, descriptor: int) -> None:
        super().close(descriptor)
        self.failed_descriptors.discard(descriptor)  # the number may be given to another file

    def write(self, descriptor: int, content: bytes) -> None:
        assert descriptor not in self.failed_descriptors, "a descriptor was used again after its sync failed"
        if self.full:
            super().write(descriptor, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(descriptor, content)

    def sync(self, descriptor: int) -> None:
        assert descriptor not in self.failed_descriptors, "a sync was tried again after it failed"
        if self.hold is not None:
            self.holding.set()
            self.hold.wait(30)
        if self.broken_sync:
            self.failed_descriptors.add(descriptor)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().sync(descriptor)
        self.syncs += 1
        path = self._paths[descriptor]
        self._synced_bytes[path] = path.stat().st_size

    def store(self, path: Path, content: bytes) -> None:
        if self.full or self.broken_sync:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().store(path, content)

    def cut(self, path: Path, size_bytes: int) -> None:
        super().cut(path, size_bytes)
        self._synced_bytes[path] = size_bytes

    def lose_unsynced(self, keep: float) -> None:
        """Cut every file as a power loss would: what was synced stays, of the rest the share `keep`."""
        for path, synced in self._synced_bytes.items():
            if path.exists():
                size = path.stat().st_size
                os.truncate(path, synced + int((size - synced) * keep))
