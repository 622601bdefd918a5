"""Accept a batch: one outcome an event, everything on disk, and only then a receipt."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

import orjson

from parcours_collector.errors import Unreadable
from parcours_collector.intake.aside import aside
from parcours_collector.intake.dead_letters import dead_letter_line
from parcours_collector.intake.duplicates import DuplicateWindow
from parcours_collector.intake.enrichment import countries
from parcours_collector.intake.envelopes import read
from parcours_collector.intake.express import Lanes, admits
from parcours_collector.intake.keys import KeyRing
from parcours_collector.intake.knowing_again import ids_to_know_again, names_somebody_forgotten
from parcours_collector.intake.parsing import JSON_TYPES, Batch, BrokenLine, is_large, parse_batch
from parcours_collector.intake.privacy import Policy
from parcours_collector.intake.receipt import CONSENT_WITHHELD, SUPPRESSED, Receipt, Rejection
from parcours_collector.intake.refused import left_of_touchpoint, withheld
from parcours_collector.intake.rescue import rescue_batch
from parcours_collector.intake.source import Source
from parcours_collector.intake.steps import Circumstances, run_steps
from parcours_collector.intake.suppression import Suppressions, latest_of
from parcours_collector.settings import EnrichmentSettings, HttpSettings, PrivacySettings
from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import RecordKind
from parcours_schemas.envelope import MAX_EVENT_BYTES
from parcours_schemas.identifiers import may_hold_clear_identifiers
from parcours_schemas.plan import TrackingPlan
from parcours_schemas.refusal import Refusal
from parcours_schemas.reject import RejectCode
from parcours_schemas.validation import Accepted, validate

_LONGEST_BREATH_SECONDS = 0.005
"""A large batch lets other requests through whenever so much time has passed."""
_LARGE_BODY_BYTES = 1024 * 1024
"""Bodies beyond it that go the full way take turns: as objects they may be 20 times as large."""
_AT_ONCE = 250
"""Touchpoints of the express lane between two breaths at most."""


@dataclass(slots=True)
class _Sorted:
    """A batch while it is being sorted, by one plan from its first event to its last."""

    plan: TrackingPlan | None
    lines: list[bytes] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    ids: dict[str, None] = field(default_factory=dict)
    duplicate: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    warnings: list[Rejection] = field(default_factory=list)


class Intake:
    """The way from a request's body to the log.

    Attributes:
        plan: May be set to another; a batch under way keeps its own.
        policy: What is kept of whom.
        suppressions: Who was forgotten; None for nobody.
    """

    def __init__(
        self,
        *,
        settings: HttpSettings,
        keys: KeyRing,
        log: WriteAheadLog,
        plan: TrackingPlan | None,
        privacy: PrivacySettings | None = None,
        enrichment: EnrichmentSettings | None = None,
        suppressions: Suppressions | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        express_lane: bool = True,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._log = log
        self.plan = plan
        self.policy = Policy(privacy or PrivacySettings())
        enrichment = enrichment or EnrichmentSettings()
        self._enriches = enrichment.enabled
        self._country_of = countries(enrichment.geoip_file)
        self.suppressions = suppressions
        self._now = now
        self._lanes = Lanes(settings) if express_lane else None
        self._window = DuplicateWindow(settings.duplicate_window_events)
        self._large_bodies = asyncio.Lock()
        self.accepted: Counter[str] = Counter()
        self.duplicate: Counter[str] = Counter()
        self.rejected: Counter[tuple[str, str]] = Counter()
        self.warned: Counter[tuple[str, str]] = Counter()

    async def accept(
        self, source: Source, body: bytes, content_type: str, *, gpc: bool = False, peer_address: str = ""
    ) -> Receipt:
        """Sort a batch, keep it, and return what became of each event. A receipt means that all of it is on disk.

        Args:
            source: Whose write key came with it.
            body: Decompressed.
            content_type: The media type, without parameters.
            gpc: Whether the request came with `Sec-GPC: 1`.
            peer_address: Of the person, where a page sends for itself; it is looked up and not kept.

        Raises:
            RequestError: The batch as a whole cannot be read, or not be kept now; nothing of it was accepted.
        """
        received_at = self._now()
        generation = latest_of(self.suppressions)
        circumstances = partial(
            Circumstances,
            project=source.project,
            source=source.name,
            received_at=received_at,
            identifier_keys=self._keys.identifier_keys(source.project),
            phone_region=self._settings.phone_region,
            clock_tolerance=timedelta(seconds=self._settings.clock_tolerance_seconds),
            max_skew=timedelta(seconds=self._settings.max_skew_seconds),
            policy=self.policy,
            gpc=gpc,
            enriches=self._enriches,
            country_of=self._country_of,
            peer_address=peer_address,
        )
        sorted_ = await self._sort_batch(body, content_type, circumstances, source)
        while generation != (now := latest_of(self.suppressions)):
            # Somebody was forgotten meanwhile, who may be in it. Nothing waits between this look and the log.
            generation, sorted_ = now, await self._sort_batch(body, content_type, circumstances, source)
        records = []
        if sorted_.lines:
            records.append((RecordKind.TOUCHPOINTS, b"".join(sorted_.lines)))
        if sorted_.letters:
            records.append((RecordKind.DEAD_LETTERS, b"".join(sorted_.letters)))
        await self._log.append(records)
        self._window.remember(source.project, sorted_.ids)
        self._count(source.name, sorted_)
        return Receipt(len(sorted_.lines), sorted_.duplicate, tuple(sorted_.rejected), warnings=tuple(sorted_.warnings))

    async def _sort_batch(
        self, body: bytes, content_type: str, circumstances: Callable[..., Circumstances], source: Source
    ) -> _Sorted:
        sorted_ = await self._express(body, content_type, circumstances, source)
        if sorted_ is not None:
            return sorted_
        async with self._large_bodies if len(body) > _LARGE_BODY_BYTES else nullcontext():
            batch = await self._parse(body, content_type)
            around = circumstances(sent_at=batch.sent_at, may_hold_clear_identifiers=may_hold_clear_identifiers(body))
            return await self._full_way(batch.events, around, source)

    async def _express(
        self, body: bytes, content_type: str, circumstances: Callable[..., Circumstances], source: Source
    ) -> _Sorted | None:
        """Sort what the express lane takes, and the rest of the batch the full way; None when it takes nothing."""
        body_read = read(body) if self._lanes is not None and content_type in JSON_TYPES else None
        if self._lanes is None or body_read is None or len(body_read.envelopes) > self._settings.max_batch_events:
            return None
        around = circumstances(sent_at=body_read.sent_at, may_hold_clear_identifiers=True)
        if not admits(around):
            return None
        sorted_ = _Sorted(self.plan)
        lane = self._lanes.of(source, sorted_.plan, around.identifier_keys.newest)
        lines: list[bytes | None] = []
        accounted_bytes = body_read.around_bytes
        keeps_out = self.suppressions is not None and self.suppressions.count > 0
        try:
            while len(lines) < len(body_read.envelopes):
                if lines:
                    await asyncio.sleep(0)
                taken = lane.take(
                    body_read.envelopes[len(lines) : len(lines) + _AT_ONCE],
                    around,
                    is_kept_out=(lambda ids: self._is_forgotten(ids, around)) if keeps_out else None,
                    ends_at=time.monotonic() + _LONGEST_BREATH_SECONDS,
                )
                lines += taken.lines
                accounted_bytes += taken.sent_bytes
            # Whatever in the body was not looked at has to be JSON too, and a part of no touchpoint.
            is_whole = accounted_bytes == len(body) and None not in lines
            if not is_whole and len(body) > _LARGE_BODY_BYTES:
                return None
            events = [] if is_whole else parse_batch(body, content_type, max_events=len(lines)).events
        except (ValueError, Unreadable):
            return None
        project = around.project
        ids = dict.fromkeys(body_read.ids)
        if is_whole and len(ids) == len(lines) and not self._window.holds_any(project, ids):
            sorted_.lines, sorted_.ids = cast("list[bytes]", lines), ids
            return sorted_
        breathed_at = time.monotonic()
        for index, (event_id, line) in enumerate(zip(body_read.ids, lines, strict=True)):
            if line is None:
                await self._sort_in_time(index, events[index], around, sorted_, source)
            elif event_id in sorted_.ids or self._window.holds(project, event_id):
                sorted_.duplicate += 1
            else:
                sorted_.lines.append(line)
                sorted_.ids[event_id] = None
            if time.monotonic() - breathed_at > _LONGEST_BREATH_SECONDS:
                await asyncio.sleep(0)
                breathed_at = time.monotonic()
        return sorted_

    async def _full_way(self, events: Sequence[object], around: Circumstances, source: Source) -> _Sorted:
        sorted_ = _Sorted(self.plan)
        breathed_at = time.monotonic()
        for index, event in enumerate(events):
            await self._sort_in_time(index, event, around, sorted_, source)
            if time.monotonic() - breathed_at > _LONGEST_BREATH_SECONDS:
                await asyncio.sleep(0)
                breathed_at = time.monotonic()
        return sorted_

    async def _parse(self, body: bytes, content_type: str) -> Batch:
        most = self._settings.max_batch_events
        try:
            return parse_batch(body, content_type, max_events=most)
        except Unreadable as unreadable:
            # Rare and slow: in a thread, so that other requests go on.
            return await aside(rescue_batch, body, unreadable, max_events=most)

    async def _sort_in_time(
        self, index: int, event: object, around: Circumstances, sorted_: _Sorted, source: Source
    ) -> None:
        """Sort an event; what is too large to be taken, in a thread, so that other requests go on."""
        if is_large(event):
            await aside(self._sort, index, event, around, sorted_, source)
        else:
            self._sort(index, event, around, sorted_, source)

    def _sort(self, index: int, event: object, around: Circumstances, sorted_: _Sorted, source: Source) -> None:
        outcome = self._outcome(event, around, source, sorted_.plan)
        if isinstance(outcome, Accepted):
            if outcome.id in sorted_.ids or self._window.holds(around.project, outcome.id):
                sorted_.duplicate += 1
                return
            if self.policy.verdict(outcome.consent, outcome.context, gpc=around.gpc) == "drop":
                # Nothing of it is kept, not even as a dead letter.
                sorted_.rejected.append(Rejection(index, outcome.id, CONSENT_WITHHELD))
                return
            row = run_steps(outcome, around)
            if self._is_forgotten(ids_to_know_again(row["ids"], outcome, around), around):
                sorted_.rejected.append(Rejection(index, outcome.id, SUPPRESSED))
                return
            line = orjson.dumps(row, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
            # A row is a little longer than its event: only near the limit is the event itself measured.
            if len(line) <= MAX_EVENT_BYTES or len(orjson.dumps(event)) <= MAX_EVENT_BYTES:
                sorted_.lines.append(line)
                sorted_.ids[outcome.id] = None
                if outcome.warning is not None:
                    sorted_.warnings.append(Rejection(index, outcome.id, outcome.warning))
                return
            outcome = Refusal(
                RejectCode.TOO_LARGE, "", f"a touchpoint is at most {MAX_EVENT_BYTES} bytes of JSON: send less with it"
            )
        sent_id = event.get("id") if isinstance(event, dict) else None
        sorted_.rejected.append(Rejection(index, sent_id[:64] if isinstance(sent_id, str) else None, outcome))
        kept = left_of_touchpoint(event, self.policy, gpc=around.gpc)
        if kept is None:
            return
        named = names_somebody_forgotten(
            event, self.suppressions, around.project, around.identifier_keys, around.phone_region
        )
        if named:
            return
        if named is None:
            kept = withheld(event)
        sorted_.letters.append(
            dead_letter_line(
                kept,
                outcome,
                project=around.project,
                source=around.source,
                received_at=around.received_at,
                identifier_key=around.identifier_keys.newest,
                phone_region=around.phone_region,
            )
        )

    def _is_forgotten(self, ids: Mapping[str, object], around: Circumstances) -> bool:
        suppressions = self.suppressions
        return suppressions is not None and suppressions.covers(ids, around.project, around.identifier_keys.all)

    def _outcome(
        self, event: object, around: Circumstances, source: Source, plan: TrackingPlan | None
    ) -> Accepted | Refusal:
        if isinstance(event, BrokenLine):
            return Refusal(
                RejectCode.INVALID_JSON, "", "this is not JSON in UTF-8: no NaN, no lone surrogate, no comment"
            )
        outcome = validate(
            event,
            plan=plan,
            received_at=around.sender_now,
            unknown_names=self._settings.unknown_names,
            unknown_properties=self._settings.unknown_properties,
            region=around.phone_region,
            oldest_at=source.oldest_at(around.received_at),
        )
        if isinstance(outcome, Accepted) and not source.may_send(outcome.name):
            return Refusal(RejectCode.NOT_ALLOWED, "/name", "the write key is not good for touchpoints of this name")
        return outcome

    def _count(self, source: str, sorted_: _Sorted) -> None:
        self.accepted[source] += len(sorted_.lines)
        self.duplicate[source] += sorted_.duplicate
        for one in sorted_.rejected:
            self.rejected[source, one.refusal.code] += 1
        for one in sorted_.warnings:
            self.warned[source, one.refusal.code] += 1
