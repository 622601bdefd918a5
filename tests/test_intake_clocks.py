"""Clocks that are wrong: what they may say, what they cannot make, and that nothing they say is lost."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from parcours_collector.app import running_collector
from parcours_collector.intake.identifier_keys import IdentifierKeys
from parcours_collector.intake.registry import Registry
from parcours_collector.intake.source import OLDEST_DAYS, InvalidSource, Source, SourceKind
from parcours_collector.intake.steps import Circumstances, correct_clock
from parcours_collector.settings import Settings
from parcours_schemas.envelope import FUTURE_TOLERANCE, OLDEST_OCCURRED_AT
from parcours_schemas.validation import Accepted
from tests.events import event

_TEN_YEARS_DAYS = 3653


def _source(kind: SourceKind, oldest_days: int | None = None) -> tuple[Registry, str]:
    origins = ("https://shop.example",) if kind is SourceKind.BROWSER else ()
    return Registry().with_source("one", "shop", kind=kind, origins=origins, oldest_days=oldest_days)


async def _send(
    folder: Path, url: str, project: str, kind: SourceKind, events: list[dict[str, Any]], oldest_days: int | None = None
) -> dict[str, Any]:
    """Send events with a key of this kind, and return the answer once all of it is in ClickHouse."""
    origins = ("https://shop.example",) if kind is SourceKind.BROWSER else ()
    registry, write_key = Registry().with_source("one", project, kind=kind, origins=origins, oldest_days=oldest_days)
    registry.write(folder / "registry.json")
    settings_ = Settings(data=folder, port=0, clickhouse_url=SecretStr(url))
    async with running_collector(settings_) as running, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {write_key}", "Content-Type": "application/json"}
        if origins:
            headers["Origin"] = origins[0]
        async with session.post(
            f"{running.endpoint}/v1/touchpoints", data=orjson.dumps(events), headers=headers
        ) as response:
            receipt: dict[str, Any] = await response.json()
            assert response.status == 200
        async with asyncio.timeout(60):
            while running.delivery.counts.rows_delivered < len(events):  # noqa: ASYNC110 - another task counts
                await asyncio.sleep(0.01)
    return receipt


def _event_at(days: float) -> dict[str, Any]:
    return event(occurred_at=(datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="milliseconds"))


@pytest.mark.parametrize("kind", [SourceKind.STORE, SourceKind.BROWSER])
async def test_clocks_from_ten_years_ago_to_ten_years_ahead_make_few_partitions_and_lose_nothing(
    kind: SourceKind, clickhouse_url: str, clickhouse: Client, project: str, tmp_path: Path
) -> None:
    events = [_event_at(days) for days in range(-_TEN_YEARS_DAYS, _TEN_YEARS_DAYS, 13)]
    receipt = await _send(tmp_path, clickhouse_url, project, kind, events)
    allowed_days = OLDEST_DAYS[kind]
    assert allowed_days is not None
    assert {one["code"] for one in receipt["rejected"]} == {"invalid_time"}
    assert receipt["accepted"] + len(receipt["rejected"]) == len(events)
    assert receipt["accepted"] == pytest.approx(allowed_days / 13, abs=2)
    ((partitions, rows),) = clickhouse.query(
        "SELECT uniqExact(_partition_id), count() FROM touchpoints WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    assert rows == receipt["accepted"]
    assert partitions <= allowed_days / 28 + 2
    kept = {
        orjson.loads(payload)["id"]
        for (payload,) in clickhouse.query(
            "SELECT payload FROM dead_letters WHERE project = {project:String}", parameters={"project": project}
        ).result_rows
    }
    assert kept == {one["id"] for one in receipt["rejected"]}


async def test_a_crm_may_tell_thirty_years_of_history_in_one_request(
    clickhouse_url: str, clickhouse: Client, project: str, tmp_path: Path
) -> None:
    events = [_event_at(-30.4 * months) for months in range(360)]
    receipt = await _send(tmp_path, clickhouse_url, project, SourceKind.CRM, events)
    assert (receipt["accepted"], receipt["rejected"]) == (360, [])
    ((rows,),) = clickhouse.query(
        "SELECT count() FROM touchpoints_resolved WHERE project = {project:String}", parameters={"project": project}
    ).result_rows
    assert rows == 360


async def test_a_key_may_be_given_its_own_bound(clickhouse_url: str, project: str, tmp_path: Path) -> None:
    events = [_event_at(-2.5), _event_at(-3.5)]
    receipt = await _send(tmp_path, clickhouse_url, project, SourceKind.SERVER, events, oldest_days=3)
    assert receipt["accepted"] == 1
    assert receipt["rejected"][0]["index"] == 1
    assert "check the clock" in receipt["rejected"][0]["detail"]
    for days in (0, -1, 40_000):
        with pytest.raises(InvalidSource):
            _source(SourceKind.SERVER, days)


def test_what_a_key_may_say_survives_its_file_and_former_files_say_nothing_of_it(tmp_path: Path) -> None:
    registry, write_key = _source(SourceKind.STORE, 30)
    registry.write(tmp_path / "registry.json")
    found = Registry.read(tmp_path / "registry.json").find(write_key)
    assert found is not None
    assert found.oldest_days == 30
    row = found.as_row()
    del row["oldest_days"]
    assert Source.of_row(row).oldest_days is None


@given(
    kind=st.sampled_from(SourceKind),
    oldest_days=st.none() | st.integers(1, 36_500),
    received_at=st.integers(0, 70 * 365).map(lambda days: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=days)),
)
@settings(max_examples=200, deadline=None)
def test_the_bound_of_a_key_is_never_before_the_oldest_time_there_is_nor_after_now(
    kind: SourceKind, oldest_days: int | None, received_at: datetime
) -> None:
    registry, write_key = _source(kind, oldest_days)
    source = registry.find(write_key)
    assert source is not None
    oldest_at = source.oldest_at(received_at)
    assert OLDEST_OCCURRED_AT <= oldest_at <= received_at - timedelta(days=1)
    if oldest_days is not None or OLDEST_DAYS[kind] is not None:
        span = received_at + FUTURE_TOLERANCE - oldest_at
        assert span <= timedelta(days=(oldest_days or OLDEST_DAYS[kind] or 0) + 1)


@given(
    ahead_seconds=st.integers(-20 * 365 * 86_400, 20 * 365 * 86_400),
    ago_seconds=st.integers(0, 60 * 86_400),
    tolerance_seconds=st.integers(0, 3_600),
    max_skew_days=st.integers(0, 30),
)
@settings(max_examples=300, deadline=None)
def test_a_clock_moves_a_time_by_its_own_error_at_most_by_the_most_there_may_be_and_never_past_receipt(
    ahead_seconds: int, ago_seconds: int, tolerance_seconds: int, max_skew_days: int
) -> None:
    received_at = datetime(2026, 6, 1, tzinfo=UTC)
    skew = timedelta(seconds=ahead_seconds)
    said_at = received_at + skew - timedelta(seconds=ago_seconds)
    around = Circumstances(
        project="shop",
        source="one",
        received_at=received_at,
        sent_at=received_at + skew,
        may_hold_clear_identifiers=False,
        identifier_keys=IdentifierKeys((b"",)),
        phone_region=None,
        clock_tolerance=timedelta(seconds=tolerance_seconds),
        max_skew=timedelta(days=max_skew_days),
    )
    row = {"occurred_at": said_at, "client_occurred_at": said_at}
    correct_clock(row, Accepted("", "", "", "", said_at, {}, {}, {}, {}, None), around)
    assert row["client_occurred_at"] == said_at
    assert abs(row["occurred_at"] - said_at) <= around.max_skew
    if timedelta(seconds=tolerance_seconds) < abs(skew) <= around.max_skew:
        assert row["occurred_at"] == received_at - timedelta(seconds=ago_seconds)
    else:
        assert row["occurred_at"] == said_at
