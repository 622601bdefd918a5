"""One thing that happens in the demonstration: a typed touchpoint, when, from which source, and known by what."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from parcours_schemas.touchpoint import Touchpoint


@dataclass(frozen=True, slots=True)
class Moment:
    """A touchpoint before it is emitted.

    Attributes:
        source: Which of the brand's systems sees it: shop-web, shop-app, ads, messaging, store-till or crm.
        occurred_at: Aware UTC.
        touchpoint: What happened.
        ids: How the person is known to that system at that moment.
        context: Circumstances.
        channel: Where, when it is not where such touchpoints usually happen.
    """

    source: str
    occurred_at: datetime
    touchpoint: Touchpoint
    ids: dict[str, str]
    context: dict[str, object] = field(default_factory=dict)
    channel: str | None = None

    def event_id(self, number: int) -> uuid.UUID:
        """Return an id that is the same whenever the same demonstration is told again: UUIDv7 with a made-up end.

        Args:
            number: Of the moment in the demonstration.
        """
        milliseconds = int(self.occurred_at.timestamp() * 1000)
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"parcours demo {number} {self.touchpoint.__touchpoint__.name}")
        return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | (name.int & ((1 << 76) - 1)) & ~(0x3 << 62) | 0x2 << 62)
