"""Dictionaries that renew themselves: what a server does in the background, and chDB does not.

The promise: a loaded dictionary with a LIFETIME is loaded again within it, unless its INVALIDATE_QUERY answers as it
did at the load before. Knows nothing of what any dictionary is for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from dataclasses import dataclass
from typing import Final

from parcours_collector.warehouse.embedded.engine import Engine, escape_parameter, identifier
from parcours_collector.warehouse.embedded.errors import EngineError

_LOOK_SECONDS: Final = 1.0
_LOADED: Final = (
    "SELECT database, name, uuid, lifetime_min, lifetime_max, toUnixTimestamp(last_successful_update_time), "
    "dateDiff('second', last_successful_update_time, now()) FROM system.dictionaries "
    "WHERE status = 'LOADED' AND lifetime_max > 0 AND NOT endsWith(type, 'Cache') AND NOT endsWith(type, 'Direct') "
    "FORMAT JSONCompactEachRow"
)
_DEFINITION: Final = (
    "SELECT create_table_query FROM system.tables WHERE database = {database:String} AND name = {name:String}"
)
_PARSE: Final = "SELECT parseQueryToJSON({sql:String})"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A dictionary as the engine has it now."""

    database: str
    name: str
    uuid: str
    lifetime_min_seconds: int
    lifetime_max_seconds: int
    updated_at_seconds: int
    age_seconds: int

    @property
    def period_seconds(self) -> float:
        """A server picks a time between the two by chance, to spare a source that many servers read."""
        return (self.lifetime_min_seconds + self.lifetime_max_seconds) / 2


@dataclass(slots=True)
class _Watch:
    """What is remembered of a dictionary between two looks."""

    invalidate_query: str | None
    updated_at_seconds: int
    due_at_monotonic: float
    answer: str | None = None
    failed: bool = False


class DictionaryRefresh:
    """Renews the dictionaries of one engine, one at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._watches: dict[tuple[str, str, str], _Watch] = {}
        self._blind = False

    async def run(self, stop: asyncio.Event) -> None:
        """Look once a second until `stop` is set; returns when nothing of it runs in the engine any more."""
        while not stop.is_set():
            await asyncio.to_thread(self.look)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await stop.wait()

    def look(self) -> None:
        """Renew what is due. Blocking: half a millisecond when nothing is. Errors are logged, once until it works."""
        try:
            found = [_Loaded(*json.loads(line)) for line in self._engine.ask(_LOADED).splitlines()]
        except EngineError as error:
            if not self._blind:
                _log.warning("dictionaries are not refreshed: they cannot be listed", extra={"code": error.code})
            self._blind = True
            return
        self._blind = False
        watches = {}
        for loaded in found:
            key = (loaded.database, loaded.name, loaded.uuid)
            watch = watches[key] = self._watches.get(key) or self._watch(loaded)
            if watch.updated_at_seconds != loaded.updated_at_seconds:
                watch.updated_at_seconds = loaded.updated_at_seconds
                watch.due_at_monotonic = _due_at(loaded)
            if time.monotonic() >= watch.due_at_monotonic:
                watch.due_at_monotonic = time.monotonic() + loaded.period_seconds
                self._renew(loaded, watch)
        self._watches = watches

    def _watch(self, loaded: _Loaded) -> _Watch:
        names = {"database": escape_parameter(loaded.database), "name": escape_parameter(loaded.name)}
        try:
            definition = self._engine.ask(_DEFINITION, names)
            tree = json.loads(self._engine.ask(_PARSE, {"sql": escape_parameter(definition)}))
        except EngineError:
            # Dropped since it was listed, most likely. If not, it is renewed without being asked.
            tree = {}
        return _Watch(_invalidate_query(tree), loaded.updated_at_seconds, _due_at(loaded))

    def _renew(self, loaded: _Loaded, watch: _Watch) -> None:
        try:
            # Asked before the load: what changes during it is seen the next time.
            answer = self._engine.ask(watch.invalidate_query) if watch.invalidate_query else None
            if answer is not None and answer == watch.answer:
                return
            self._engine.ask(f"SYSTEM RELOAD DICTIONARY {identifier(loaded.database)}.{identifier(loaded.name)}")
        except EngineError as error:
            if not watch.failed:
                _log.warning(
                    "a dictionary could not be refreshed, it keeps what it has: reload it by hand to see why",
                    extra={"dictionary": f"{loaded.database}.{loaded.name}", "code": error.code},
                )
            watch.failed = True
            return
        watch.failed = False
        watch.answer = answer


def _due_at(loaded: _Loaded) -> float:
    return time.monotonic() + loaded.period_seconds - loaded.age_seconds


def _invalidate_query(tree: object) -> str | None:
    for key in ("dictionary", "source", "elements", "children"):
        tree = tree.get(key) if isinstance(tree, dict) else None
    for pair in tree if isinstance(tree, list) else []:
        if str(pair.get("first")).lower() == "invalidate_query":
            return str(pair["second"]["value"]["value"])
    return None
