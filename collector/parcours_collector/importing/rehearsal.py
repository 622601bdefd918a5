"""An import without sending: map every row and validate every touchpoint here, as the collector would."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from parcours_collector.importing.batches import MappedBatch
from parcours_collector.importing.run import count_unmapped
from parcours_collector.importing.tally import Tally
from parcours_schemas.envelope import MAX_EVENT_BYTES
from parcours_schemas.plan import TrackingPlan
from parcours_schemas.refusal import Refusal
from parcours_schemas.reject import RejectCode, UnknownPolicy
from parcours_schemas.validation import validate

MAX_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an import would give: `accepted` of the tally counts the valid, `events` are the first of them."""

    tally: Tally
    events: tuple[dict[str, Any], ...]


def rehearse(
    batches: Iterator[MappedBatch],
    *,
    plan: TrackingPlan | None,
    unknown_names: UnknownPolicy,
    unknown_properties: UnknownPolicy,
    phone_region: str | None,
) -> Rehearsal:
    """Return what would become of the rows; nothing leaves this process.

    Args:
        batches: All rows, mapped.
        plan: The team's own touchpoints.
        unknown_names: See the setting `http.unknown_names`.
        unknown_properties: See the setting `http.unknown_properties`.
        phone_region: See the setting `http.phone_region`.

    Raises:
        UnusableFile: The file cannot be read to its end.
    """
    tally = Tally()
    events: list[dict[str, Any]] = []
    for batch in batches:
        tally.rows += batch.rows
        tally.skipped += batch.skipped
        count_unmapped(batch, tally)
        for mapped in batch.touchpoints:
            event = orjson.loads(mapped.event)
            outcome = validate(
                event,
                plan=plan,
                received_at=datetime.now(UTC),
                unknown_names=unknown_names,
                unknown_properties=unknown_properties,
                region=phone_region,
            )
            if len(mapped.event) > MAX_EVENT_BYTES:
                outcome = Refusal(RejectCode.TOO_LARGE, "", f"a touchpoint is at most {MAX_EVENT_BYTES} bytes of JSON")
            if isinstance(outcome, Refusal):
                tally.count_rejected(mapped.line, outcome.code, outcome.path, outcome.detail)
                continue
            tally.accepted += 1
            if len(events) < MAX_EXAMPLES:
                events.append(event)
    return Rehearsal(tally, tuple(events))
