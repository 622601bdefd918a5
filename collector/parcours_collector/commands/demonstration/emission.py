"""Emit moments through the SDK, each from the source that saw it, and never faster than they are taken."""

from collections.abc import Mapping
from typing import Any

from parcours import DropReason, Tracker
from parcours_collector.commands.demonstration.moment import Moment
from parcours_collector.errors import OperatorError

SOURCES = ("shop-web", "ads", "messaging", "store-till", "crm")
_MOST_PENDING = 5_000


class TouchpointsLost(OperatorError):
    """The collector refused or lost touchpoints of the demonstration."""

    tag = "touchpoints_lost"


class Emission:
    """One tracker a source."""

    def __init__(self, endpoint: str, write_keys: Mapping[str, str]) -> None:
        self._lost: list[DropReason] = []
        self._trackers = {
            source: Tracker(
                endpoint, write_key, linger_seconds=0.05, on_drop=lambda _dropped, why: self._lost.append(why)
            )
            for source, write_key in write_keys.items()
        }
        self._emitted = 0

    def emit(self, moment: Moment) -> None:
        """Emit one moment; wait while too many are pending."""
        tracker = self._trackers[moment.source]
        if self._emitted % 500 == 0 and tracker.stats().pending > _MOST_PENDING:
            tracker.flush(60)
        ids: dict[str, Any] = dict(moment.ids)  # kinds are open: mypy cannot know that none is called `channel`
        tracker.emit(
            moment.touchpoint,
            occurred_at=moment.occurred_at,
            event_id=moment.event_id(self._emitted),
            context=moment.context,
            channel=moment.channel,
            **ids,
        )
        self._emitted += 1

    @property
    def delivered(self) -> int:
        """How many the collector has answered for."""
        return sum(tracker.stats().delivered for tracker in self._trackers.values())

    def finish(self) -> int:
        """Wait until everything is answered for; return how many that is.

        Raises:
            TouchpointsLost: Some are not; the message says why.
        """
        for tracker in self._trackers.values():
            tracker.close(120)
        if self._lost:
            raise TouchpointsLost(f"{len(self._lost)} of {self._emitted} touchpoints were dropped: {self._lost[0]}.")
        return self.delivered
