"""From a body that is not JSON as a whole to its events, each by itself, so that one bad event costs no other.

Writers of JSON make a few mistakes that no reader takes: `NaN`, half of an emoji, a byte that is not UTF-8, nesting
without end. Mostly one event has it, and the commas between the events can still be told from those inside. Only a body
that could not be read comes here.
"""

import re

import orjson

from parcours_collector.errors import Unreadable
from parcours_collector.intake.parsing import Batch, BrokenLine, parse_sent_at

MAX_RESCUED_BYTES = 4 * 1024 * 1024
"""Beyond it a broken body is refused as a whole: looking for its events costs some 100 ns a byte."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},:]', re.DOTALL)
_EVENTS_KEY = b'"touchpoints"'
_SENT_AT_KEY = b'"sent_at"'


def rescue_batch(body: bytes, unreadable: Unreadable) -> Batch:
    """Return the events of a body that is not JSON; those that are not JSON either are BrokenLines.

    Args:
        body: An array, or an object of `touchpoints` and `sent_at`, as far as its brackets tell.
        unreadable: Why it could not be read as a whole.

    Raises:
        Unreadable: As given, when its brackets tell nothing, or it is too large.
    """
    if len(body) > MAX_RESCUED_BYTES:
        raise unreadable
    elements, sent_at = _split(body, unreadable)
    return Batch([_event(element) for element in elements], parse_sent_at(sent_at))


def _split(body: bytes, unreadable: Unreadable) -> tuple[list[bytes], object]:
    """Return the text of every event, and `sent_at`."""
    depth, key, sent_at, last_string = 0, b"", b"null", b""
    events_depth = 1 if body.lstrip()[:1] == b"[" else 2
    elements: list[bytes] = []
    inside, begins, value_begins = False, 0, 0
    for token in _TOKEN.finditer(body):
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
