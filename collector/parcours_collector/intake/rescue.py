"""From a body that is not JSON as a whole to its events, each by itself, so that one bad event costs no other.

Writers of JSON make a few mistakes that no reader takes: `NaN`, half of an emoji, a byte that is not UTF-8, nesting
without end. Mostly one event has it, and the commas between the events can still be told from those inside. Only a body
that could not be read comes here.
"""

import re
from collections.abc import Iterator
from itertools import islice

import orjson

from parcours_collector.errors import Unreadable
from parcours_collector.intake.parsing import Batch, BrokenLine, parse_sent_at, too_many

MAX_RESCUED_BYTES = 4 * 1024 * 1024
"""Beyond it a broken body is refused as a whole."""
_MOST_TOKENS = 1_000_000
"""Beyond it too: looking at each costs a µs, and touchpoints have one in six bytes or so."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?P<closed>"?)|[\[\]{},:]', re.DOTALL)
_MARK = re.compile(rb"[\[\]{},:]")
_EVENTS_KEY = b'"touchpoints"'
_SENT_AT_KEY = b'"sent_at"'


def rescue_batch(body: bytes, unreadable: Unreadable, *, max_events: int) -> Batch:
    """Return the events of a body that is not JSON; those that are not JSON either are BrokenLines.

    Args:
        body: An array, or an object of `touchpoints` and `sent_at`, as far as its brackets tell.
        unreadable: Why it could not be read as a whole.
        max_events: How many it may hold.

    Raises:
        Unreadable: As given, when its brackets tell nothing, or it is too large.
        TooLarge: More than `max_events`.
    """
    if len(body) > MAX_RESCUED_BYTES:
        raise unreadable
    elements, sent_at = _split(body, unreadable, max_events)
    return Batch([_event(element) for element in elements], parse_sent_at(sent_at))


def _tokens(body: bytes) -> Iterator[re.Match[bytes]]:
    """Find strings and marks in one pass, whatever the body.

    Where a string does not end, none that begins after it does: looking for the end of each would take the square of
    the body's length.
    """
    for token in _TOKEN.finditer(body):
        if token["closed"] == b"":
            yield from _MARK.finditer(body, token.start())
            return
        yield token


def _split(body: bytes, unreadable: Unreadable, max_events: int) -> tuple[list[bytes], object]:
    """Return the text of every event, and `sent_at`."""
    depth, key, sent_at, last_string = 0, b"", b"null", b""
    events_depth = 1 if body.lstrip()[:1] == b"[" else 2
    elements: list[bytes] = []
    inside, begins, value_begins = False, 0, 0
    for token in islice(_tokens(body), _MOST_TOKENS):
        mark = token[0]
        if mark in b"[{":
            depth += 1
            if depth == events_depth and mark == b"[" and not elements and (events_depth == 1 or key == _EVENTS_KEY):
                inside, begins = True, token.end()
        elif mark in b"]}":
            if inside and depth == events_depth:
                elements.append(body[begins : token.start()])
                inside = False
            if depth == 1 and key == _SENT_AT_KEY:
                sent_at = body[value_begins : token.start()]
            depth -= 1
            if depth == 0 and body[token.end() :].strip():
                raise unreadable
        elif mark == b",":
            if inside and depth == events_depth:
                elements.append(body[begins : token.start()])
                begins = token.end()
                if len(elements) >= max_events:
                    raise too_many(max_events)
            elif depth == 1 and events_depth == 2:
                if key == _SENT_AT_KEY:
                    sent_at = body[value_begins : token.start()]
                key = b""
        elif mark == b":":
            if depth == 1 and events_depth == 2:
                key, value_begins = last_string, token.end()
        else:
            last_string = mark
    if depth != 0 or inside or not elements:
        raise unreadable
    if [element.strip() for element in elements] == [b""]:
        raise unreadable
    try:
        return elements, orjson.loads(sent_at)
    except orjson.JSONDecodeError:
        raise unreadable from None


def _event(element: bytes) -> object:
    try:
        return orjson.loads(element)
    except orjson.JSONDecodeError:
        return BrokenLine(element.strip().decode("utf-8", "replace"))
