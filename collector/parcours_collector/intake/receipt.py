"""What a sender is told: how many touchpoints were taken, and of each other one what is wrong with it."""

from dataclasses import dataclass

import orjson

from parcours_schemas.refusal import Refusal
from parcours_schemas.reject import RejectCode

CONSENT_WITHHELD = Refusal(
    RejectCode.CONSENT_WITHHELD, "/consent", "the person has not agreed, and nothing of it was kept"
)
SUPPRESSED = Refusal(RejectCode.SUPPRESSED, "/ids", "the person has asked to be forgotten, and nothing of it was kept")

_MOST_WARNINGS_SAID = 100
"""In one answer: the same mistake of a sender comes with every touchpoint. All are counted."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One event refused, or taken with a warning: its place in the request, its id if any, and what is wrong."""

    index: int
    event_id: str | None
    refusal: Refusal

    def as_json(self) -> dict[str, object]:
        """Return how an answer names it."""
        return {
            "index": self.index,
            "id": self.event_id,
            "code": self.refusal.code,
            "path": self.refusal.path,
            "detail": self.refusal.detail,
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch: accepted + duplicate + len(rejected) = the events sent; some accepted with a warning."""

    accepted: int
    duplicate: int
    rejected: tuple[Rejection, ...]
    warnings: tuple[Rejection, ...] = ()

    def as_json(self) -> bytes:
        """Return the body of the answer; `warnings` is in it only when there are any, the first 100."""
        answer: dict[str, object] = {
            "accepted": self.accepted,
            "duplicate": self.duplicate,
            "rejected": [one.as_json() for one in self.rejected],
        }
        if self.warnings:
            answer["warnings"] = [one.as_json() for one in self.warnings[:_MOST_WARNINGS_SAID]]
        return orjson.dumps(answer)
