"""What `parcours doctor` looks at: each check is a function of the settings that says what it found.

Nothing here changes what is kept: the batch that is sent twice goes to a table of its own, which is dropped again.
"""

import asyncio
import os
import platform
import shutil
import statistics
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import orjson

from parcours_collector.errors import CollectorError, WalInUse
from parcours_collector.intake.registry import Registry
from parcours_collector.plans import read_plan
from parcours_collector.settings import Settings
from parcours_collector.wal.disk import FolderLock
from parcours_collector.wal.folders import has_segments, log_folders, waiting_bytes
from parcours_collector.warehouse.client import ClickHouseUrl, connect, connect_async
from parcours_collector.warehouse.insert import Inserted, Inserter, Refused, Unavailable
from parcours_collector.warehouse.migrations import require_migrated
from parcours_collector.warehouse.sql import read_sql
from parcours_schemas import __version__

Verdict = Literal["ok", "warning", "failed"]

_FEW_FREE_BYTES = 2 * 1024**3
_SLOW_SYNC_SECONDS = 0.02
_SYNCS = 20
_SYNC_BYTES = 4096
_CLOCK_SECONDS = 1.0
_OLD_LOG_SECONDS = 300.0
_PROBE_ROWS = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what to do about it when that is not well."""

    verdict: Verdict
    said: str
    remedy: str = ""


def check_versions(_settings: Settings) -> Finding:
    """The versions of this installation."""
    return Finding("ok", f"parcours {__version__}, Python {platform.python_version()}, {platform.system()}")


def check_clickhouse(settings: Settings) -> Finding:
    """It answers, is new enough and holds this version's tables."""
    url = settings.require_clickhouse_url()
    with connect(url) as client:
        require_migrated(client)
        return Finding("ok", f"{ClickHouseUrl.parse(url).redacted} answers, version {client.server_version}, migrated")


def check_counting(settings: Settings) -> Finding:
    """A batch that is sent twice with one token is stored once: what exactly-once delivery stands on."""
    url = settings.require_clickhouse_url()
    with connect(url) as client:
        probe = {"probe": f"doctor_probe_{uuid.uuid4().hex}"}
        client.command(read_sql("checking/make_probe"), parameters=probe)
        try:
            outcomes = asyncio.run(_insert_twice(url, probe["probe"]))
            ((rows,),) = client.query(read_sql("checking/probe_rows"), parameters=probe).result_rows
        finally:
            client.command(read_sql("checking/drop_probe"), parameters=probe)
    for outcome in outcomes:
        match outcome:
            case Refused(name=name):
                return Finding("failed", f"ClickHouse refused a batch: {name}", "Run `parcours migrate`.")
            case Unavailable(reason=reason, remedy=remedy):
                return Finding("failed", f"ClickHouse took no batch: {reason}", remedy)
            case Inserted():
                pass
    if rows != _PROBE_ROWS:
        return Finding(
            "failed",
            f"a batch of {_PROBE_ROWS} that was sent twice is stored as {rows}",
            "Give the tables non_replicated_deduplication_window > 0 (0 ignores tokens in silence), or replicate them.",
        )
    return Finding("ok", f"a batch of {_PROBE_ROWS} that was sent twice is stored once")


async def _insert_twice(url: str, table: str) -> list[Inserted | Unavailable | Refused]:
    inserter = Inserter(partial(connect_async, url))
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    lines = b"".join(
        orjson.dumps(
            {
                "project": "doctor",
                "source": "doctor",
                "id": str(uuid.uuid4()),
                "name": "probe",
                **dict.fromkeys(("occurred_at", "client_occurred_at", "received_at"), now),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for _ in range(_PROBE_ROWS)
    )
    token = uuid.uuid4().hex
    try:
        return [await inserter.insert(table, lines, token) for _ in range(2)]
    finally:
        await inserter.close()


def check_clock(settings: Settings) -> Finding:
    """This machine's clock beside that of ClickHouse."""
    with connect(settings.require_clickhouse_url()) as client:
        before = time.time()
        ((theirs,),) = client.query(read_sql("checking/clock")).result_rows
        after = time.time()
    ours = (before + after) / 2
    apart_seconds = ours - theirs.timestamp()
    doubt_seconds = (after - before) / 2
    side = "ahead of" if apart_seconds >= 0 else "behind"
    said = f"{abs(apart_seconds):.3f} s {side} ClickHouse's, ± {doubt_seconds:.3f} s"
    remedy = "Let both machines follow NTP: times of reception would be wrong by as much."
    if abs(apart_seconds) - doubt_seconds <= _CLOCK_SECONDS:
        return Finding("ok", said)
    return Finding("warning" if abs(apart_seconds) < settings.http.clock_tolerance_seconds else "failed", said, remedy)


def check_disk(settings: Settings) -> Finding:
    """Room for the log, and how long the disk takes to make a record durable."""
    folder = _existing(settings.wal_folder)
    free_bytes = shutil.disk_usage(folder).free
    syncs = [_timed_sync(folder) for _ in range(_SYNCS)]
    typical, worst = statistics.median(syncs), max(syncs)
    said = f"{free_bytes / 1024**3:,.1f} GiB free; fsync takes {typical * 1e3:.1f} ms, {worst * 1e3:.1f} ms at most"
    if free_bytes < _FEW_FREE_BYTES:
        return Finding("failed", said, f"Make room on the disk of {folder}: a full one turns senders away.")
    if typical > _SLOW_SYNC_SECONDS:
        return Finding("warning", said, "Put the log on a disk with a write cache that survives a power cut.")
    return Finding("ok", said)


def _timed_sync(folder: Path) -> float:
    path = folder / f".doctor-{uuid.uuid4().hex}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, bytes(_SYNC_BYTES))
        began = time.perf_counter()
        os.fdatasync(descriptor)
        return time.perf_counter() - began
    finally:
        os.close(descriptor)
        path.unlink()


def _existing(folder: Path) -> Path:
    while not folder.is_dir():
        folder = folder.parent
    return folder


def check_log(settings: Settings) -> Finding:
    """What waits in the logs, for how long, in whose hands, and whether any of it was damaged."""
    root = settings.wal_folder
    folders = [folder for folder in log_folders(root) if has_segments(folder)]
    waiting = sum(map(waiting_bytes, folders))
    orphans = [folder for folder in folders if not _is_held(folder)]
    damaged = [path for path in root.rglob("quarantine/*") if path.is_file()] if root.is_dir() else []
    oldest = min((path.stat().st_mtime for folder in folders for path in folder.glob("*.wal")), default=None)
    age_seconds = 0.0 if oldest is None else max(0.0, time.time() - oldest)
    said = f"{waiting / 1024**2:,.1f} MiB in {len(folders)} logs"
    if damaged:
        return Finding(
            "failed",
            f"{said}; {len(damaged)} damaged pieces in quarantine",
            f"Check the disk; what can be read of them is in {damaged[0].parent}.",
        )
    if orphans and age_seconds > _OLD_LOG_SECONDS:
        return Finding(
            "warning",
            f"{said}; {len(orphans)} that no collector holds",
            f"Start the collector, or deliver them: `parcours drain {orphans[0]}`.",
        )
    return Finding("ok", said)


def _is_held(folder: Path) -> bool:
    try:
        FolderLock(folder).release()
    except WalInUse:
        return True
    return False


def check_keys(settings: Settings) -> Finding:
    """There is a write key, and nobody else can read the file of hashes and identifier keys."""
    file = settings.registry_file
    good = [source for source in Registry.read(file).sources if source.revoked_at is None]
    said = f"{len(good)} good in {file}"
    if not good:
        return Finding("warning", said, "Make one with `parcours keys create NAME`.")
    if file.stat().st_mode & 0o077:
        return Finding("warning", f"{said}, which others may read", f"chmod 600 {file}: it holds the identifier keys.")
    return Finding("ok", said)


def check_plan(settings: Settings) -> Finding:
    """The tracking plan can be read."""
    plan = read_plan(settings.plan)
    return Finding("ok", "none" if plan is None else f"{len(plan.names)} touchpoints in {settings.plan}")


def check_people(settings: Settings) -> Finding:
    """People are joined as evidence comes."""
    with connect(settings.require_clickhouse_url()) as client:
        require_migrated(client)
        ((finished_at, edges_since, failure),) = client.query(read_sql("checking/stitched")).result_rows
    if failure:
        return Finding("failed", "the dictionary person_of cannot be loaded", "Run `parcours migrate`.")
    if finished_at.year < 2000:
        return Finding("ok", f"never joined; {edges_since:,} pieces of evidence wait")
    age_seconds = (datetime.now(UTC) - finished_at).total_seconds()
    said = f"last joined {finished_at:%Y-%m-%d %H:%M:%S} UTC; {edges_since:,} pieces of evidence since"
    if edges_since and age_seconds > _OLD_LOG_SECONDS:
        return Finding("warning", said, "Start the collector, or run `parcours stitch`.")
    return Finding("ok", said)


CHECKS: tuple[tuple[str, Callable[[Settings], Finding]], ...] = (
    ("versions", check_versions),
    ("ClickHouse", check_clickhouse),
    ("counted once", check_counting),
    ("clock", check_clock),
    ("people", check_people),
    ("disk", check_disk),
    ("log", check_log),
    ("write keys", check_keys),
    ("tracking plan", check_plan),
)
"""Every check by name, in the order in which they are made."""


def findings(settings: Settings) -> list[tuple[str, Finding]]:
    """Make every check; one that cannot be made has failed, and keeps none of the others from being made."""
    found = []
    for name, check in CHECKS:
        try:
            found.append((name, check(settings)))
        except CollectorError as error:
            found.append((name, Finding("failed", error.message, error.what_to_do)))
    return found
