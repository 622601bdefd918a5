"""A fresh ClickHouse for a case, filled through the collector's own door."""

import asyncio
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from clickhouse_connect.driver.client import Client
from pydantic import SecretStr

from parcours_collector.app import running_collector
from parcours_collector.settings import HttpSettings, Settings
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.migrations import migrate
from parcours_collector.warehouse.stitching import stitch
from parcours_schemas.catalogue import CATALOGUE
from parcours_schemas.envelope import MAX_NAME_CHARS, SNAKE_CASE_PATTERN
from parcours_schemas.errors import InvalidIdentifier
from parcours_schemas.identifiers import HASHED_KINDS, is_placeholder, normalise, redact_clear_identifiers
from tests.conformance.case import Event
from tests.running import Sender, add_source

_ORIGIN = datetime(2024, 1, 1, tzinfo=UTC)
"""Where seconds from "any origin" are put: a Monday, in no gap of a time zone, within reach of every age limit."""
_FIRST_EPOCH_SECOND = 10**9
"""From here on seconds are taken as seconds since 1970: cases that name days count so."""
AS_TEXT = "_text"
"""What is appended to a kind for values that are none of it."""
LABEL = "name_in_the_case"
"""The property that carries a case's own name of an event, whatever it looks like."""


class World:
    """One case's ClickHouse. Every event is also known by its name in the case (`LABEL`), which may be any text."""

    def __init__(self, url: str, client: Client, folder: Path, project: str) -> None:
        self.url = url
        self.client = client
        self.folder = folder
        self.project = project
        self._names: dict[str, str] = {}
        self._stand_ins: dict[str, str] = {}
        self._sent = 0

    def name_of(self, event_name: str) -> str:
        """The touchpoint's name for a case's: the same where that is free here, else one that stands for it."""
        if _is_free_name(event_name):
            return event_name
        return self._names.setdefault(event_name, f"case_event_{len(self._names) + 1}")

    def label_of(self, name: str) -> str:
        """The case's name for a touchpoint's."""
        return next((label for label, stand_in in self._names.items() if stand_in == name), name)

    def shown(self, text: str) -> str:
        """What a case wrote where this was sent."""
        return next((meant for meant, stand_in in self._stand_ins.items() if stand_in == text), text)

    def instant(self, at_seconds: float) -> datetime:
        """When something at these seconds happens here."""
        origin = datetime.fromtimestamp(0, UTC) if at_seconds >= _FIRST_EPOCH_SECOND else _ORIGIN
        return origin + timedelta(seconds=at_seconds)

    def send(self, events: Sequence[Event]) -> list[str]:
        """Deliver events over HTTP, in the order given, and stitch; return their ids."""
        touchpoints = [self._touchpoint(event) for event in events]
        asyncio.run(self._deliver(touchpoints))
        self.stitch()
        return [touchpoint["id"] for touchpoint in touchpoints]

    def stitch(self) -> None:
        """Let the evidence that has arrived be heard."""
        stitch(self.client)

    def persons(self) -> dict[int, list[tuple[str, str]]]:
        """Every person with their identifiers as (kind, value), sorted."""
        rows = self.client.query(
            "SELECT dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier) AS person, kind, value "
            "FROM parcours.identity_persons FINAL WHERE project = {project:String} ORDER BY person, kind, value",
            parameters={"project": self.project},
        ).result_rows
        persons: dict[int, list[tuple[str, str]]] = {}
        for person, kind, value in rows:
            persons.setdefault(person, []).append((kind, self.shown(value)))
        return persons

    @cached_property
    def person_names(self) -> dict[int, str]:
        """What a case calls each person: the least of their values."""
        return {person: min(value for _, value in identifiers) for person, identifiers in self.persons().items()}

    def _touchpoint(self, event: Event) -> dict[str, Any]:
        self._sent += 1
        at = self.instant(event.at_seconds)
        return {
            "id": _event_id(at, self._sent),
            "name": self.name_of(event.name),
            "schema": "1-0-0",
            "occurred_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "channel": "web",
            "ids": self._ids(event),
            "properties": {**event.properties, LABEL: self._as_sent(event.name, or_if=not event.name)},
        }

    def _ids(self, event: Event) -> dict[str, list[str]]:
        ids: dict[str, list[str]] = {}
        for kind, values in event.ids.items():
            for value in values:
                here = kind_of(kind, value)
                is_hashed = here in HASHED_KINDS
                sent = value if is_hashed else self._as_sent(value, or_if=event.is_of_person and is_placeholder(value))
                ids.setdefault(here, []).append(sent)
        return ids

    def _as_sent(self, text: str, *, or_if: bool) -> str:
        """The text itself, or what stands for it: where it would be replaced as an e-mail address, or if so asked."""
        if or_if or redact_clear_identifiers([text], b"any", region=None) != [text]:
            return self._stand_ins.setdefault(text, f"stand-in {len(self._stand_ins) + 1}")
        return text

    @cached_property
    def sender(self) -> Sender:
        """Who sends; with it the project has the key that e-mail addresses are hashed with."""
        return add_source(self.folder, f"case-{uuid.uuid4().hex[:8]}", self.project)

    async def _deliver(self, touchpoints: list[dict[str, Any]]) -> None:
        sender = self.sender
        settings = Settings(
            data=self.folder,
            port=0,
            clickhouse_url=SecretStr(self.url),
            http=HttpSettings(unknown_names="allow"),
        )
        async with running_collector(settings) as running, aiohttp.ClientSession() as session:
            for start in range(0, len(touchpoints), 500):
                batch = touchpoints[start : start + 500]
                async with session.post(
                    f"{running.endpoint}/v1/touchpoints",
                    data=orjson.dumps(batch),
                    headers={"Authorization": f"Bearer {sender.write_key}", "Content-Type": "application/json"},
                ) as response:
                    receipt = await response.json()
                if response.status != 200 or receipt["rejected"]:
                    raise AssertionError(f"the collector refused a case's events: {receipt}")
            async with asyncio.timeout(60):
                while running.delivery.counts.rows_delivered < len(touchpoints):  # noqa: ASYNC110 - another task counts
                    await asyncio.sleep(0.01)


class Worlds:
    """Makes fresh worlds: each its own engine on its own copy of a data folder that was migrated once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0
        self._template = folder / "template"
        with EngineProcess.start(self._template) as engine:
            migrate(engine.url)

    @contextmanager
    def fresh(self) -> Iterator[World]:
        """A world in which nothing has happened yet; it is gone afterwards."""
        self._made += 1
        folder = self._folder / f"world-{self._made}"
        shutil.copytree(self._template, folder / "clickhouse", symlinks=True)
        collector = folder / "collector"
        collector.mkdir()
        try:
            with EngineProcess.start(folder / "clickhouse") as engine, connect(engine.url) as client:
                yield World(engine.url, client, collector, "conformance")
        finally:
            shutil.rmtree(folder)


def kind_of(kind: str, value: str | None = None) -> str:
    """The kind that stands for a case's; another where a value is no e-mail address or phone number after all."""
    here = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()).strip("_")
    if value is not None and here in HASHED_KINDS and not is_placeholder(value):
        try:
            normalise(here, value, region=None)
        except InvalidIdentifier:
            return f"{here}{AS_TEXT}"
    return here


def _event_id(at: datetime, number: int) -> str:
    """A UUIDv7 whose order is that of time and, within a millisecond, of arrival."""
    milliseconds = int(at.timestamp() * 1000)
    return str(uuid.UUID(int=(milliseconds << 80) | (0x7 << 76) | (0b10 << 62) | number))


def _is_free_name(name: str) -> bool:
    """Whether it can be a touchpoint's name of its own: well-formed, and without a meaning here already."""
    return re.fullmatch(SNAKE_CASE_PATTERN, name) is not None and len(name) <= MAX_NAME_CHARS and name not in CATALOGUE
