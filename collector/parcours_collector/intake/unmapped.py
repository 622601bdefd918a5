"""Keep what a source could not turn into a touchpoint: rows of an import, with their line and the reason.

The letters are validated, freed of clear e-mail addresses and phone numbers, and on disk before they are answered for.
It knows neither files nor mappings: a row is whatever JSON or text the source sends as its payload.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from parcours_collector.intake.aside import aside
from parcours_collector.intake.dead_letters import (
    MAX_LINE,
    MAX_SHOWN_CHARS,
    Provenance,
    Withheld,
    as_payload,
    letter_id,
    letter_row,
)
from parcours_collector.intake.keys import KeyRing
from parcours_collector.intake.knowing_again import names_somebody_forgotten
from parcours_collector.intake.parsing import BrokenLine, is_large, parse_batch
from parcours_collector.intake.privacy import USUAL_POLICY, Policy
from parcours_collector.intake.receipt import CONSENT_WITHHELD, SUPPRESSED
from parcours_collector.intake.refused import left_of_letter, withheld
from parcours_collector.intake.source import Source
from parcours_collector.intake.suppression import Suppressions, latest_of
from parcours_collector.settings import HttpSettings
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import RecordKind
from parcours_schemas.identifiers import redact_clear_identifiers
from parcours_schemas.identifiers.hashing import keyed_hash
from parcours_schemas.refusal import Refusal, violation_of
from parcours_schemas.reject import RejectCode

MAX_PATH_CHARS = 512
MAX_DETAIL_CHARS = 1024

_LONGEST_BREATH_SECONDS = 0.005
"""A large batch lets other requests through whenever so much time has passed."""


class UnmappedRow(BaseModel):
    """What a source says of a row that it could not turn into a touchpoint."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    payload: Any
    code: Literal["unmapped_row"]
    path: Annotated[str, Field(max_length=MAX_PATH_CHARS)]
    detail: Annotated[str, Field(min_length=1, max_length=MAX_DETAIL_CHARS)]
    line: Annotated[int, Field(ge=1, le=MAX_LINE)]
    event_id: Annotated[str, Field(max_length=MAX_SHOWN_CHARS)] = ""
    event_name: Annotated[str, Field(max_length=MAX_SHOWN_CHARS)] = ""
    origin: Literal["import"] = "import"


@dataclass(frozen=True, slots=True)
class LettersReceipt:
    """What became of a batch of letters: kept + len(rejected) = the letters sent; `rejected` by index."""

    kept: int
    rejected: tuple[tuple[int, Refusal], ...]

    def as_json(self) -> bytes:
        """Return the body of the answer."""
        return orjson.dumps(
            {
                "kept": self.kept,
                "rejected": [
                    {"index": index, "code": refusal.code, "path": refusal.path, "detail": refusal.detail}
                    for index, refusal in self.rejected
                ],
            }
        )


class UnmappedRows:
    """The way of such rows to the log."""

    def __init__(
        self,
        *,
        settings: HttpSettings,
        keys: KeyRing,
        log: WriteAheadLog,
        rejected: Counter[tuple[str, str]],
        policy: Policy = USUAL_POLICY,
        suppressions: Suppressions | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the parts; `rejected` counts what is kept, by source and code; `suppressions` None is nobody."""
        self._settings = settings
        self._keys = keys
        self._log = log
        self._rejected = rejected
        self._policy = policy
        self._suppressions = suppressions
        self._now = now

    async def keep(self, source: Source, body: bytes, content_type: str, *, gpc: bool = False) -> LettersReceipt:
        """Keep a batch of letters. A receipt means that all but the rejected are on disk.

        Args:
            source: Whose write key came with it.
            body: Decompressed; a JSON array or NDJSON of `UnmappedRow`.
            content_type: The media type, without parameters.
            gpc: Whether the request came with `Sec-GPC: 1`.

        Raises:
            RequestError: The batch as a whole cannot be read, or not be kept now; nothing of it was kept.
        """
        received_at = self._now()
        batch = parse_batch(body, content_type, max_events=self._settings.max_batch_events)
        generation = latest_of(self._suppressions)
        lines, rejected = await self._sort(batch.events, source, received_at, gpc=gpc)
        while generation != (now := latest_of(self._suppressions)):
            # Somebody was forgotten meanwhile, who may be in it. Nothing waits between this look and the log.
            generation = now
            lines, rejected = await self._sort(batch.events, source, received_at, gpc=gpc)
        if lines:
            await self._log.append([(RecordKind.DEAD_LETTERS, b"".join(lines))])
            self._rejected[source.name, RejectCode.UNMAPPED_ROW] += len(lines)
        return LettersReceipt(len(lines), tuple(rejected))

    async def _sort(
        self, letters: Sequence[object], source: Source, received_at: datetime, *, gpc: bool
    ) -> tuple[list[bytes], list[tuple[int, Refusal]]]:
        lines: list[bytes] = []
        rejected: list[tuple[int, Refusal]] = []
        breathed_at = time.monotonic()
        for index, sent in enumerate(letters):
            match _read(sent):
                case UnmappedRow() as row if is_large(row.payload):
                    made = await aside(self._judge, row, source, received_at, gpc=gpc)
                case UnmappedRow() as row:
                    made = self._judge(row, source, received_at, gpc=gpc)
                case refusal:
                    made = refusal
            if isinstance(made, Refusal):
                rejected.append((index, made))
            else:
                lines.append(made)
            if time.monotonic() - breathed_at > _LONGEST_BREATH_SECONDS:
                await asyncio.sleep(0)
                breathed_at = time.monotonic()
        return lines, rejected

    def _judge(self, row: UnmappedRow, source: Source, received_at: datetime, *, gpc: bool) -> bytes | Refusal:
        keys, region = self._keys.identifier_keys(source.project), self._settings.phone_region
        said = [row.payload, row.path, row.detail, row.event_id, row.event_name]
        named = names_somebody_forgotten(said, self._suppressions, source.project, keys, region)
        if named:
            return SUPPRESSED
        kept = left_of_letter(row.payload, self._policy, gpc=gpc)
        if kept is None:
            return CONSENT_WITHHELD
        return self._line(row, withheld(row.payload) if named is None else kept, source, received_at)

    def _line(self, row: UnmappedRow, kept: object, source: Source, received_at: datetime) -> bytes:
        key, region = self._keys.identifier_keys(source.project).newest, self._settings.phone_region

        def redacted(text: str, most_chars: int) -> str:
            # Cut after: a hash is longer than what it hides.
            return str(redact_clear_identifiers(text, key, region=region))[:most_chars]

        if isinstance(kept, Withheld):
            payload, identity = "", keyed_hash(kept.text, key)
        else:
            held = redact_clear_identifiers(kept, key, region=region)  # type: ignore[arg-type] # any JSON
            payload = identity = held if isinstance(held, str) else as_payload(held)
        path, detail = redacted(row.path, MAX_PATH_CHARS), redacted(row.detail, MAX_DETAIL_CHARS)
        return letter_row(
            # Made with the line too: two rows of a file that are alike are two letters.
            letter_id(source.name, f"{row.line}\n{identity}"),
            Refusal(RejectCode.UNMAPPED_ROW, path, detail),
            project=source.project,
            source=source.name,
            received_at=received_at,
            event_id="" if isinstance(kept, Withheld) else redacted(row.event_id, MAX_SHOWN_CHARS),
            event_name=redacted(row.event_name, MAX_SHOWN_CHARS),
            payload=payload,
            provenance=Provenance(row.origin, row.line),
        )


def _read(sent: object) -> UnmappedRow | Refusal:
    if isinstance(sent, BrokenLine):
        return Refusal(RejectCode.INVALID_JSON, "", "this line is not JSON in UTF-8: send one object a line")
    if not isinstance(sent, dict):
        return Refusal(RejectCode.NOT_AN_OBJECT, "", "a letter must be a JSON object")
    try:
        return UnmappedRow.model_validate(sent)
    except ValidationError as error:
        violation = violation_of(error)
        return Refusal(RejectCode.INVALID_ENVELOPE, violation.path, violation.detail)
