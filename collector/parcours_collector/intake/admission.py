"""Who is let in before a byte of the body is read: by the room in the log, the memory for bodies, and the quota.

Sources whose touchpoints are not seen again, tills and CRM, are turned away last. What is turned away is told when to
come back, each at another moment.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

from parcours_collector.errors import Busy, NotNow
from parcours_collector.intake.quota import Quotas
from parcours_collector.intake.source import SHARE_OF_ROOM, Source
from parcours_collector.settings import HttpSettings, WalSettings
from parcours_collector.wal.log import WriteAheadLog

_LEAST_WAIT_SECONDS = 5
_MOST_WAIT_SECONDS = 15
_MOST_RATIO = {"gzip": 1_032, "zstd": 32_768}
"""What a byte may inflate to: a match of 258 in 2 bits, a block of 128 KiB in 4 bytes. Others are not read."""


class Admission:
    """Let requests in, or say why not.

    Attributes:
        turned_away: How many requests of each source were turned away, by what for: `stopping`, `log_bytes`, `log_age`,
            `log_unavailable`, `memory`, `quota`.
        retiring: Whether open connections are answered a last time and new ones are somebody else's.
        stopping: Whether nothing is let in any more.
    """

    def __init__(
        self,
        *,
        log: WriteAheadLog,
        http: HttpSettings,
        wal: WalSettings,
        jitter: Callable[[int, int], int] = random.randint,
    ) -> None:
        self._log = log
        self._http = http
        self._wal = wal
        self._jitter = jitter
        self._quotas = Quotas()
        self._held_bytes = 0
        self.retiring = False
        self.stopping = False
        self.turned_away: Counter[tuple[str, str]] = Counter()

    def check(self, source: Source) -> None:
        """Let a request of this source in; nothing of it has been read.

        Raises:
            NotNow: The collector stops, its log cannot be written, or is too full or too old for this kind of source.
            OverQuota: The source has sent more than it may.
        """
        if self.stopping:
            raise self._away(source, "stopping", "The collector is stopping.")
        if not self._log.available:
            raise self._away(source, "log_unavailable", "The write-ahead log cannot be written.")
        share = SHARE_OF_ROOM[source.kind]
        if self._log.size_bytes > share * self._wal.high_water_bytes:
            raise self._away(source, "log_bytes", "The write-ahead log is full: ClickHouse takes less than is sent.")
        if self._wal.high_water_age_seconds and self._log.oldest_age_seconds > share * self._wal.high_water_age_seconds:
            raise self._away(source, "log_age", "The write-ahead log waits for ClickHouse for too long.")
        try:
            self._quotas.admit(source)
        except NotNow:
            self.turned_away[source.name, "quota"] += 1
            raise

    def charge(self, source: Source, touchpoints: int) -> None:
        """Take from the quota what a request held."""
        self._quotas.charge(source, touchpoints)

    @contextmanager
    def room_for(self, source: Source, request: web.Request) -> Iterator[None]:
        """Keep memory free for the body of a request while it is read and worked on.

        Raises:
            Busy: The bodies under way fill what there is for this kind of source.
        """
        needed = self._needed_bytes(request)
        room = SHARE_OF_ROOM[source.kind] * self._http.max_held_bytes
        if self._held_bytes and self._held_bytes + needed > room:
            self.turned_away[source.name, "memory"] += 1
            raise Busy("The requests under way fill the memory that they may.", after_seconds=self._wait_seconds())
        self._held_bytes += needed
        try:
            yield
        finally:
            self._held_bytes -= needed

    def _needed_bytes(self, request: web.Request) -> int:
        """Return the most that a body may take, as sent and once inflated, before any of it is read."""
        http, size = self._http, request.content_length
        sent = http.max_body_bytes if size is None else min(size, http.max_body_bytes)
        encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding in {"identity", ""}:
            return sent
        return sent + min(http.max_inflated_bytes, sent * _MOST_RATIO.get(encoding, 1))

    def _away(self, source: Source, reason: str, message: str) -> NotNow:
        self.turned_away[source.name, reason] += 1
        return NotNow(message, after_seconds=self._wait_seconds())

    def _wait_seconds(self) -> int:
        return self._jitter(_LEAST_WAIT_SECONDS, _MOST_WAIT_SECONDS)
