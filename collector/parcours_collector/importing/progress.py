"""How far an import is: a small file that remembers the last line acknowledged, so that it goes on there.

Losing it costs time and nothing else: what is sent again has the same ids.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from parcours_collector.importing.tally import Tally


class Fingerprint(BaseModel):
    """What must be the same for an import to go on rather than start again."""

    size_bytes: int
    modified_ns: int
    map_sha256: str
    endpoint: str
    source: str

    @classmethod
    def of(cls, file: Path, map_file: Path, *, endpoint: str, source: str) -> Self:
        """Return that of a file and a map as they are now."""
        status = file.stat()
        return cls(
            size_bytes=status.st_size,
            modified_ns=status.st_mtime_ns,
            map_sha256=hashlib.sha256(map_file.read_bytes()).hexdigest(),
            endpoint=endpoint,
            source=source,
        )


class Progress(BaseModel):
    """How far an import is.

    Attributes:
        line: Of the last row that is acknowledged; 0 for none.
        tally: Of all rows up to that line.
        fingerprint: Of what is being imported.
    """

    line: int = 0
    tally: Tally
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class ProgressFile:
    """Where the progress of one import is kept."""

    path: Path

    @classmethod
    def of(cls, folder: Path, file: Path, map_file: Path, dataset: str, limit: int | None) -> Self:
        """Return the place for a file, a map, a dataset and a number of rows, below `folder`."""
        name = "\0".join((str(file.resolve()), str(map_file.resolve()), dataset, str(limit or "")))
        return cls(folder / f"{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.json")

    def read(self) -> Progress | None:
        """Return what is kept; None when there is nothing that can be used."""
        try:
            return Progress.model_validate_json(self.path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def write(self, progress: Progress) -> None:
        """Replace what is kept, in one step."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        temporary.write_text(progress.model_dump_json(), encoding="utf-8")
        temporary.replace(self.path)

    def remove(self) -> None:
        """Forget it: the import is finished."""
        self.path.unlink(missing_ok=True)
