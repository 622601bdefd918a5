"""What a delivery says of itself to whoever measures."""

from collections.abc import Iterator

from parcours_collector.delivery.delivery import Delivery
from parcours_collector.measures.board import Reading


def readings_of(delivery: Delivery) -> Iterator[Reading]:
    """Yield its readings as they are now."""
    counts = delivery.counts
    yield Reading("parcours_delivered_rows_total", counts.rows_delivered)
    yield Reading("parcours_delivered_batches_total", counts.batches)
    yield Reading("parcours_delivery_retries_total", counts.retries)
    yield Reading("parcours_delivery_failures_total", counts.failures)
    yield Reading("parcours_refused_rows_total", counts.rows_refused)
    yield Reading("parcours_delivery_pending_bytes", delivery.pending_bytes)
    yield Reading("parcours_delivery_away", float(delivery.away_because is not None))
