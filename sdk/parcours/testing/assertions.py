"""Assertions on recorded touchpoints, whose failures say what was emitted instead."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from parcours.core import Core
from parcours.drops import DropReason
from parcours.lifecycle import every_living
from parcours.testing.recorded import Expectation, RecordedTouchpoint
from parcours.testing.recording import RecordingTransport
from parcours_schemas.touchpoint import Touchpoint

_SHOWN = 5
"""How many of the nearest touchpoints a failure shows."""


class Touchpoints:
    """What was emitted since the recording began, to be asked and asserted.

    Each question first waits until everything emitted so far is recorded, without a sleep.

    Args:
        transport: The recording, entered.
    """

    def __init__(self, transport: RecordingTransport) -> None:
        self._transport = transport
        self._dropped_before = _dropped()

    def all(self) -> list[RecordedTouchpoint]:
        """Return every touchpoint, oldest first."""
        self._transport.settle()
        return list(self._transport.touchpoints)

    def named(self, name: str | type[Touchpoint], /) -> list[RecordedTouchpoint]:
        """Return the touchpoints of one name, or of one class, oldest first."""
        wanted = _name_of(name)
        return [touchpoint for touchpoint in self.all() if touchpoint.name == wanted]

    def clear(self) -> None:
        """Forget what was emitted so far."""
        self._transport.clear()
        self._dropped_before = _dropped()

    def assert_emitted(
        self,
        name: str | type[Touchpoint],
        /,
        *,
        ids: Mapping[str, object] | None = None,
        context: Mapping[str, object] | None = None,
        consent: Mapping[str, object] | None = None,
        **properties: object,
    ) -> RecordedTouchpoint:
        """Assert that a touchpoint of this name was emitted with at least these values; return the first such.

        Args:
            name: Its name or its class.
            ids: Identifiers it has.
            context: Circumstances it has.
            consent: Purposes it has.
            properties: Properties it has, as you emitted them or as the wire has them.

        Raises:
            AssertionError: None is so. The message shows the nearest ones and how they differ.
        """
        __tracebackhide__ = True  # pytest shows the test, not this
        wanted = _name_of(name)
        expected = Expectation(properties, ids or {}, context or {}, consent or {})
        emitted = self.all()
        candidates = [touchpoint for touchpoint in emitted if touchpoint.name == wanted]
        for touchpoint in candidates:
            if not expected.differences(touchpoint):
                return touchpoint
        raise AssertionError("\n".join(self._explanation(wanted, expected, candidates, emitted)))

    def assert_not_emitted(
        self,
        name: str | type[Touchpoint],
        /,
        *,
        ids: Mapping[str, object] | None = None,
        context: Mapping[str, object] | None = None,
        consent: Mapping[str, object] | None = None,
        **properties: object,
    ) -> None:
        """Assert that no touchpoint of this name was emitted with these values.

        Raises:
            AssertionError: One was.
        """
        __tracebackhide__ = True  # pytest shows the test, not this
        wanted = _name_of(name)
        expected = Expectation(properties, ids or {}, context or {}, consent or {})
        found = [touchpoint for touchpoint in self.named(wanted) if not expected.differences(touchpoint)]
        if found:
            lines = [f"{_described(wanted, expected)} was emitted, and should not have been ({len(found)}):"]
            raise AssertionError("\n".join([*lines, *(f"  {_shown(touchpoint)}" for touchpoint in found[:_SHOWN])]))

    def _explanation(
        self,
        name: str,
        expected: Expectation,
        candidates: Sequence[RecordedTouchpoint],
        emitted: Sequence[RecordedTouchpoint],
    ) -> list[str]:
        lines = [f"{_described(name, expected)} was not emitted."]
        if candidates:
            lines.append(f"{len(candidates)} of that name, the nearest first:")
            for touchpoint in sorted(candidates, key=lambda each: len(expected.differences(each)))[:_SHOWN]:
                lines.append(f"  {_shown(touchpoint)}")
                lines += [f"    {difference}" for difference in expected.differences(touchpoint)]
        else:
            names = list(dict.fromkeys(touchpoint.name for touchpoint in emitted))
            near = get_close_matches(name, names, n=1)
            if near:
                lines.append(f"Did you mean {near[0]!r}?")
            lines.append(f"Emitted: {', '.join(names)}." if names else "Nothing was emitted.")
        dropped = {reason: count - self._dropped_before.get(reason, 0) for reason, count in _dropped().items()}
        lost = [f"{count} as {reason}" for reason, count in dropped.items() if count > 0]
        if lost:
            lines.append(f"Dropped: {', '.join(lost)}. Tracker(strict=True) says at the call what is invalid.")
        pending = self._transport.settle()
        if pending:
            lines.append(f"{pending} touchpoints are still pending.")
        return lines


def _name_of(name: str | type[Touchpoint]) -> str:
    return name if isinstance(name, str) else name.__touchpoint__.name


def _described(name: str, expected: Expectation) -> str:
    said = str(expected)
    return f"{name!r} with {said}" if said else f"{name!r}"


def _shown(touchpoint: RecordedTouchpoint) -> str:
    said = [f"{key}={value!r}" for key, value in {**touchpoint.properties, **touchpoint.ids}.items()]
    return f"{touchpoint.name}({', '.join(said)})"


def _dropped() -> dict[DropReason, int]:
    """Return the losses of every tracker that lives, by reason."""
    total: dict[DropReason, int] = {}
    for core in every_living():
        if isinstance(core, Core):
            for reason, count in core.stats().dropped.items():
                total[reason] = total.get(reason, 0) + count
    return total
