"""The last look at a touchpoint before it is queued: the tracker's redaction, then the host's `before_send`.

It fails closed: what cannot be hidden or looked at is dropped, never sent as it was. It knows no queue.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from parcours.consent import ConsentGate, Withheld
from parcours.drops import is_interrupt
from parcours.encoding import NotEncodable, encode
from parcours.errors import InvalidOptions
from parcours.options import is_plain_function
from parcours.outgoing import Outgoing
from parcours.redaction import Redaction
from parcours_schemas.refusal import Refusal
from parcours_schemas.reject import RejectCode

BeforeSend: TypeAlias = Callable[[dict[str, Any]], Mapping[str, Any] | None]
"""Given a copy of the touchpoint as it goes on the wire; returns it, changed or not, or None to drop it."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """A touchpoint that `before_send` did not let through.

    Attributes:
        fault: What went wrong in it, without a value; empty when it returned None, as it may.
    """

    fault: str = ""


class Privacy:
    """Redaction and `before_send` of one tracker. Thread-safe as far as the hook is.

    Args:
        redaction: None hides nothing.
        before_send: None looks at nothing.
        gate: Asked again about what the hook has changed.

    Raises:
        InvalidOptions: The hook is a coroutine function or cannot be called.
    """

    def __init__(self, redaction: Redaction | None, before_send: BeforeSend | None, gate: ConsentGate) -> None:
        if before_send is not None and not is_plain_function(before_send):
            raise InvalidOptions("before_send is not a plain function.", remedy="Give one that returns at once.")
        self._redaction = redaction
        self._before_send = before_send
        self._gate = gate

    def apply(self, written: Outgoing) -> Outgoing | Refusal | Withheld | Discarded:
        """Return the touchpoint as it may be queued: `written` itself when nothing has changed, else to be checked."""
        event: dict[str, Any] = orjson.loads(written.wire)
        time = event["occurred_at"]
        if self._redaction is not None:
            self._redaction.apply(event)
        if self._before_send is not None:
            try:
                returned = self._before_send(event)
                if returned is None:
                    return Discarded()
                # The time keeps its fixed place, whatever the hook made.
                event = {"id": returned["id"], "occurred_at": returned["occurred_at"], **returned}
            except BaseException as error:
                if is_interrupt(error):
                    raise
                return Discarded(f"before_send raised or returned no touchpoint ({type(error).__name__})")
        try:
            wire = encode(event)
        except NotEncodable as error:
            return Refusal(RejectCode.INVALID_ENVELOPE, "", str(error))
        if wire == written.wire:
            return written
        withheld = self._gate.check(event.get("name", ""), event.get("channel"), event.get("consent"))
        offset_ns = written.clock_offset_ns if event["occurred_at"] == time else None
        return withheld or Outgoing(str(event["id"]), str(event.get("name")), wire, offset_ns)
