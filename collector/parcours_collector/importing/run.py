"""Run an import: read and map one batch while the one before is being acknowledged, and remember each that is."""

import asyncio
from collections.abc import Callable, Iterator

from parcours_collector.importing.batches import MappedBatch
from parcours_collector.importing.progress import Progress, ProgressFile
from parcours_collector.importing.tally import Tally
from parcours_collector.sending.collector import Collector
from parcours_schemas.reject import RejectCode


async def run_import(
    batches: Iterator[MappedBatch],
    collector: Collector,
    *,
    progress: Progress,
    kept_in: ProgressFile,
    on_batch: Callable[[], None],
) -> Tally:
    """Send all batches and return the counts, those of an earlier, interrupted run included.

    At most two batches are in memory: the next is read only when the last is acknowledged.

    Args:
        batches: What is still to be sent.
        collector: Where to.
        progress: How far an earlier run came.
        kept_in: Where to remember each acknowledged batch; removed at the end.
        on_batch: Called after each of them.

    Raises:
        OperatorError: The file, the key or the collector cannot be used any more; run again, it goes on.
    """
    tally = progress.tally
    reading = asyncio.create_task(_next(batches))
    try:
        while (batch := await reading) is not None:
            reading = asyncio.create_task(_next(batches))
            await _send(batch, collector, tally)
            progress.line = batch.last_line
            kept_in.write(progress)
            on_batch()
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    kept_in.remove()
    return tally


async def _next(batches: Iterator[MappedBatch]) -> MappedBatch | None:
    return await asyncio.to_thread(next, batches, None)


async def _send(batch: MappedBatch, collector: Collector, tally: Tally) -> None:
    receipt = await collector.send_touchpoints([one.event for one in batch.touchpoints])
    letters = await collector.send_dead_letters([one.as_letter() for one in batch.unmapped])
    tally.rows += batch.rows
    tally.skipped += batch.skipped
    tally.accepted += receipt.kept
    tally.duplicate += receipt.duplicate
    tally.letters_refused += len(letters.rejected)
    for rejected in receipt.rejected:
        line = batch.touchpoints[rejected.index].line
        tally.count_rejected(line, rejected.code, rejected.path, rejected.detail)
    count_unmapped(batch, tally)


def count_unmapped(batch: MappedBatch, tally: Tally) -> None:
    """Count the rows of a batch that are no touchpoint."""
    for row in batch.unmapped:
        tally.count_unmapped(row.line, RejectCode.UNMAPPED_ROW, row.problem.path, row.problem.detail)
