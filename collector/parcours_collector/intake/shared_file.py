"""Files that several commands change and running collectors read: no change is lost, and no reader sees half of one."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def changing(file: Path) -> Iterator[None]:
    """Hold the right to read, change and replace a file; whoever else wants it waits, and it ends with the process."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # A file of its own: the one that is replaced is another afterwards. It stays, or two could hold one lock each.
    descriptor = os.open(file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace_file(file: Path, content: bytes) -> None:
    """Replace a file in one step, readable by its owner only; it is on the disk when this returns."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.stem}-")  # created with mode 600
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    Path(temporary).replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
