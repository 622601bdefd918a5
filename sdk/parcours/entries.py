"""What the queue holds in memory of a touchpoint, and the forms in which the spool and the worker take it.

Plain functions over snapshots: they know neither locks nor counts.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TypeAlias

from parcours.journal import Record
from parcours.outgoing import Outgoing, Waiting

Entry: TypeAlias = tuple[int, int, bool, Outgoing]
"""Number in the process, wall clock at emission (ms since 1970), whether it is in the journal, itself."""


def waiting(entry: Entry) -> Waiting:
    """Return an entry as the backlog takes it."""
    number, at_ms, _, event = entry
    return Waiting(number, at_ms, event)


def records(entries: Sequence[Entry]) -> list[Record]:
    """Return entries as the journal takes them."""
    return [Record(number, at_ms, event.wire, event.clock_offset_ns) for number, at_ms, _, event in entries]


def oldest(entries: Iterable[Entry], *, max_count: int, max_bytes: int) -> list[Entry]:
    """Return the first entries within the bounds, at least one if there is any; a separating byte counts for each."""
    taken: list[Entry] = []
    size = 0
    for entry in islice(entries, max_count):
        size += len(entry[3].wire) + 1
        if taken and size > max_bytes:
            break
        taken.append(entry)
    return taken


def marked_safe(entries: Sequence[Entry], *, upto: int) -> tuple[deque[Entry], int, int]:
    """Return the entries with those up to a number marked as in the journal, and the count and bytes of the others."""
    marked = deque((number, at_ms, safe or number <= upto, event) for number, at_ms, safe, event in entries)
    sizes = [len(event.wire) for _, _, safe, event in marked if not safe]
    return marked, len(sizes), sum(sizes)
