"""Run a replay: letters in batches through the collector; what it now takes is marked, what it refuses stays."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from parcours_collector.replaying.events import Event, NotReplayable, content_of
from parcours_collector.replaying.letters import Letter, Letters
from parcours_collector.sending.collector import Collector

BATCH_LETTERS = 500


@dataclass(slots=True)
class Report:
    """What became of the letters: tried = accepted + duplicate + all still refused + all not replayable.

    Attributes:
        accepted: Touchpoints now.
        duplicate: Were touchpoints already.
        refused: By the code for which the collector refuses them still.
        not_replayable: By reason.
        examples: Code, path and detail of the first refusals of each code.
    """

    accepted: int = 0
    duplicate: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    not_replayable: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def tried(self) -> int:
        """How many letters were looked at."""
        return self.accepted + self.duplicate + self.refused.total() + self.not_replayable.total()

    @property
    def waiting(self) -> int:
        """How many of them still wait."""
        return self.refused.total() + self.not_replayable.total()


async def replay_letters(
    letters: Letters, collector: Collector, *, limit: int | None, on_batch: Callable[[int], None]
) -> Report:
    """Send letters again and return what became of them.

    Interrupted and run again it sends some of them twice, with the same ids.

    Args:
        letters: Which.
        collector: Where to.
        limit: How many at most; None for all.
        on_batch: Called with how many were tried so far.

    Raises:
        OperatorError: The key or the collector cannot be used any more.
    """
    report = Report()
    async for batch in _batches(letters, limit):
        events = []
        for content in map(content_of, batch):
            match content:
                case Event():
                    events.append(content)
                case NotReplayable(reason=reason):
                    report.not_replayable[reason] += 1
        await _send(events, letters, collector, report)
        on_batch(report.tried)
    return report


async def rehearse_replay(letters: Letters, *, limit: int | None) -> tuple[Counter[tuple[str, str]], Report]:
    """Return, by code and name, the letters that would be sent, and a report of those that hold no event."""
    report, would_be_sent = Report(), Counter[tuple[str, str]]()
    async for batch in _batches(letters, limit):
        for content in map(content_of, batch):
            match content:
                case Event(letter=letter):
                    would_be_sent[letter.code, letter.event_name] += 1
                case NotReplayable(reason=reason):
                    report.not_replayable[reason] += 1
    return would_be_sent, report


async def _batches(letters: Letters, limit: int | None) -> AsyncIterator[list[Letter]]:
    last: Letter | None = None
    left = limit
    while left is None or left > 0:
        most = BATCH_LETTERS if left is None else min(left, BATCH_LETTERS)
        batch = await asyncio.to_thread(letters.after, last, most)
        if not batch:
            return
        yield batch
        last = batch[-1]
        left = None if left is None else left - len(batch)


async def _send(events: list[Event], letters: Letters, collector: Collector, report: Report) -> None:
    receipt = await collector.send_touchpoints([event.body for event in events])
    refused = {rejected.index for rejected in receipt.rejected}
    taken = [event.letter for index, event in enumerate(events) if index not in refused]
    await asyncio.to_thread(letters.mark_replayed, taken)
    report.accepted += receipt.kept
    report.duplicate += receipt.duplicate
    for rejected in receipt.rejected:
        report.refused[rejected.code] += 1
        report.examples.setdefault(rejected.code, f"{rejected.path}: {rejected.detail}".removeprefix(": "))
