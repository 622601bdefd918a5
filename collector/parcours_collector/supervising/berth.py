"""What a worker is given by its supervisor: the sockets it may listen on, which of them is its own, and a line home."""

import socket
from dataclasses import dataclass
from typing import Self

from parcours_collector.errors import InvalidSettings


@dataclass(frozen=True, slots=True)
class Berth:
    """A worker's place, as descriptors that its process inherits.

    Attributes:
        slot: Its number, from 0: the listening socket that is its own.
        line: Descriptor of its end of the line to the supervisor.
        listeners: Descriptors of all listening sockets, by slot.
    """

    slot: int
    line: int
    listeners: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` writes; raise InvalidSettings for anything else."""
        try:
            slot, line, *listeners = map(int, text.split(","))
            berth = cls(slot, line, tuple(listeners))
            berth.listeners[berth.slot]
        except (ValueError, IndexError) as error:
            raise InvalidSettings("--berth is given by the supervisor only.", remedy="Use --workers.") from error
        return berth

    def __str__(self) -> str:
        return ",".join(map(str, (self.slot, self.line, *self.listeners)))

    @property
    def workers(self) -> int:
        """How many workers there are."""
        return len(self.listeners)

    def line_home(self) -> socket.socket:
        """Return the line to the supervisor."""
        return socket.socket(fileno=self.line)

    def listener(self, slot: int) -> socket.socket:
        """Return a socket of one's own for what arrives at a slot; closing it leaves the slot open for others."""
        held = socket.socket(fileno=socket.dup(self.listeners[slot]))
        held.setblocking(False)
        return held
