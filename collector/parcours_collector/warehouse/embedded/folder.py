"""The data folder: who holds it, its private files, its ready file. Knows nothing of HTTP or SQL."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
from pathlib import Path
from types import TracebackType
from typing import Final
from urllib.parse import quote

from parcours_collector.errors import FolderInUse

READY_FILE: Final = "clickhouse.env"
"""Written (mode 600) when the engine answers, removed when it ends; `NAME=value` lines, see `DataFolder.announce`."""

_REACHED_AT: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- where "every address" is reached from here

OWNER: Final = "default"
ANALYST: Final = "analyst"


class DataFolder:
    """One engine's folder, held by this process alone from `open` to `close`.

    Inside: `clickhouse/` (the engine's own), `private/` (passwords, configuration, temporary files; mode 700), `lock`.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.engine_path = path / "clickhouse"
        self.private = path / "private"
        self.temporary = self.private / "temporary"
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> DataFolder:
        """Create the folder when missing and take its lock.

        Raises:
            FolderInUse: another process holds it.
            OSError: it cannot be created or written.
        """
        path = path.expanduser().resolve()
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(lock)
            raise FolderInUse(f"The data folder {path} is already open in process {holder}.") from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        folder = cls(path, lock)
        folder.private.mkdir(exist_ok=True, mode=0o700)
        folder.private.chmod(0o700)
        shutil.rmtree(folder.temporary, ignore_errors=True)
        folder.temporary.mkdir(mode=0o700)
        (path / READY_FILE).unlink(missing_ok=True)
        return folder

    def password(self, user: str) -> str:
        """The user's password, generated at its first use and kept with mode 600."""
        path = self.private / f"{user}.password"
        with contextlib.suppress(FileNotFoundError):
            kept = path.read_text(encoding="ascii").strip()
            if kept:
                return kept
        password = secrets.token_urlsafe(24)
        write_private(path, password + "\n")
        return password

    def announce(self, host: str, port: int) -> Path:
        """Write the ready file, atomically and readable by its owner only."""
        host = _REACHED_AT.get(host, host)
        shown = f"[{host}]" if ":" in host else host
        password = quote(self.password(OWNER), safe="")
        analyst = quote(self.password(ANALYST), safe="")
        lines = (
            f"PARCOURS_CLICKHOUSE_URL=http://{OWNER}:{password}@{shown}:{port}",
            f"PARCOURS_CLICKHOUSE_ANALYST_URL=http://{ANALYST}:{analyst}@{shown}:{port}",
            f"PARCOURS_CLICKHOUSE_PID={os.getpid()}",
        )
        path = self.path / READY_FILE
        write_private(path, "\n".join(lines) + "\n")
        return path

    def close(self) -> None:
        """Remove the ready file and let go of the folder."""
        (self.path / READY_FILE).unlink(missing_ok=True)
        os.close(self._lock)

    def __enter__(self) -> DataFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically; nobody but its owner can read it at any moment."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    draft.replace(path)
