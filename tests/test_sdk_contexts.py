"""`parcours.context`: said once, on every touchpoint inside; through threads, tasks and headers."""

import asyncio
import contextlib
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import parcours
from parcours.context_headers import HEADER, MAX_HEADER_CHARS
from parcours.testing import FaultyCollector
from tests.sdk_support import FACES, Face, close, flush, quick

HOSTILE = [
    "",
    "null",
    "[]",
    "{",
    '{"ids":{"User Id":"u1"}}',
    '{"ids":{"user_id":5}}',
    '{"ids":{"user_id":"' + "u" * 600 + '"}}',
    '{"consent":{"analytics":"yes"}}',
    '{"channel":"Web Site"}',
    '{"context":{"url":5}}',
    '{"context":' + '{"a":' * 20 + "1" + "}" * 20 + "}",
    '{"ids":{},"more":1}',
    '{"context":{"url":"' + "u" * MAX_HEADER_CHARS + '"}}',
]


@pytest.fixture(scope="module")
def collector() -> Iterator[FaultyCollector]:
    with FaultyCollector() as running:
        yield running


@pytest.fixture(params=FACES, ids=lambda face: face.__name__)
def tracker(request: pytest.FixtureRequest, collector: FaultyCollector) -> Iterator[Face]:
    made = quick(request.param, collector)
    yield made
    close(made)


def sent(tracker: Face, collector: FaultyCollector, **arguments: Any) -> dict[str, Any]:
    event_id = tracker.track("machine_seen", **arguments)
    assert flush(tracker)
    assert event_id is not None
    return dict(collector.touchpoints[event_id])


def test_a_touchpoint_carries_what_its_blocks_say_and_the_inner_wins(tracker: Face, collector: FaultyCollector) -> None:
    spring = {"source": "google", "medium": "cpc"}
    with (
        parcours.context(user_id="u1", anonymous_id="a1", campaign=spring, consent={"analytics": True}, channel="web"),
        parcours.context(user_id="u2", url="https://shop.example/", campaign={"source": "mail"}, channel="app"),
    ):
        inside = sent(tracker, collector, consent={"marketing": False}, context={"aisle": 5})
    assert inside["ids"] == {"user_id": "u2", "anonymous_id": "a1"}
    assert inside["context"] == {"campaign": {"source": "mail"}, "url": "https://shop.example/", "aisle": 5}
    assert inside["consent"] == {"analytics": True, "marketing": False}
    assert inside["channel"] == "app"
    assert "ids" not in sent(tracker, collector)


def test_arguments_of_the_call_win_and_none_hides(tracker: Face, collector: FaultyCollector) -> None:
    with parcours.context(
        user_id="u1", loyalty_card="L1", url="https://a.example/", consent={"ads": True}, channel="web"
    ):
        inside = sent(
            tracker,
            collector,
            user_id="u2",
            loyalty_card=None,
            context={"url": "https://b.example/"},
            consent={"ads": False},
            channel="store",
        )
    assert inside["ids"] == {"user_id": "u2"}
    assert inside["context"] == {"url": "https://b.example/"}
    assert inside["consent"] == {"ads": False}
    assert inside["channel"] == "store"


def test_a_block_can_start_from_nothing() -> None:
    with parcours.context(user_id="u1"), parcours.context(parcours.Context(), channel="web") as inner:
        assert (inner.ids, inner.channel) == ({}, "web")


def test_a_block_ends_with_an_exception_and_takes_what_was_applied_in_it_along() -> None:
    with parcours.context(user_id="u1"):
        with contextlib.suppress(ZeroDivisionError), parcours.context(user_id="u2"):
            parcours.context(loyalty_card="L1").apply()
            assert parcours.current_context().ids == {"user_id": "u2", "loyalty_card": "L1"}
            raise ZeroDivisionError
        assert parcours.current_context().ids == {"user_id": "u1"}
    assert parcours.current_context() == parcours.Context()


def test_a_block_may_end_in_another_copy_of_the_contextvars() -> None:
    scope = parcours.context(user_id="u1")
    copy_context().run(scope.__enter__)
    scope.__exit__(None, None, None)
    assert parcours.current_context() == parcours.Context()


def test_blocks_that_end_out_of_turn_leave_nothing_behind() -> None:
    first, second = parcours.context(user_id="u1"), parcours.context(user_id="u2")
    with first:
        second.__enter__()
    second.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert parcours.current_context() == parcours.Context()


def test_a_thread_may_apply_for_ever() -> None:
    def work() -> int:
        said = [parcours.context(user_id=f"u{number}") for number in range(100)]
        kept = [weakref.ref(one) for one in said]
        while said:
            said.pop().apply()
        assert parcours.current_context().ids == {"user_id": "u0"}
        gc.collect()
        return sum(one() is not None for one in kept)

    assert copy_context().run(work) <= 1


def test_a_function_and_a_coroutine_function_can_be_decorated() -> None:
    @parcours.context(channel="email")
    def plain(depth: int) -> str | None:
        return plain(depth - 1) if depth else parcours.current_context().channel

    @parcours.context(channel="sms")
    async def awaited() -> str | None:
        await asyncio.sleep(0)
        return parcours.current_context().channel

    async def several() -> list[str | None]:
        return await asyncio.gather(*(awaited() for _ in range(3)))

    assert plain(2) == "email"
    assert asyncio.run(several()) == ["sms"] * 3
    assert plain.__name__ == "plain"
    assert parcours.current_context().channel is None


def test_a_generator_function_cannot_be_decorated() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="inside it"):
        parcours.context(channel="web")(numbers)


def test_tasks_inherit_and_do_not_disturb_one_another() -> None:
    async def visit(user_id: str) -> object:
        with parcours.context(user_id=user_id):
            await asyncio.sleep(0)
            in_thread = await asyncio.to_thread(parcours.current_context)
            return in_thread.channel, in_thread.ids["user_id"], parcours.current_context().ids["user_id"]

    async def serve() -> list[object]:
        with parcours.context(channel="web"):
            return await asyncio.gather(*(visit(f"u{number}") for number in range(20)))

    assert asyncio.run(serve()) == [("web", f"u{number}", f"u{number}") for number in range(20)]


def test_one_scope_may_be_entered_by_several_tasks_at_once_and_again_inside_itself() -> None:
    shared = parcours.context(channel="app")

    async def visit(user_id: str, turns: int) -> list[object]:
        with parcours.context(user_id=user_id):
            with shared:
                for _ in range(turns):
                    await asyncio.sleep(0)
                with shared:
                    inside = parcours.current_context()
                once = parcours.current_context()
            return [inside.channel, once.channel, once.ids["user_id"], parcours.current_context()]

    async def serve() -> list[list[object]]:
        return await asyncio.gather(visit("u1", 3), visit("u2", 1), visit("u3", 2))

    assert asyncio.run(serve()) == [
        ["app", "app", user_id, parcours.Context({"user_id": user_id})] for user_id in ("u1", "u2", "u3")
    ]
    assert parcours.current_context() == parcours.Context()


def test_a_plain_thread_starts_empty_and_a_bound_function_takes_the_context_along() -> None:
    seen: list[Any] = []

    def look(_number: int = 0) -> None:
        seen.append(parcours.current_context().ids.get("user_id"))

    with parcours.context(user_id="u1"), ThreadPoolExecutor(2) as pool:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        list(pool.map(parcours.bound(look), range(4)))
        pool.submit(look).result()
        pool.submit(copy_context().run, look).result()
    assert seen == [None, "u1", "u1", "u1", "u1", None, "u1"]


def test_headers_take_a_context_to_another_process() -> None:
    own = UUID(int=7)
    with parcours.context(
        user_id=7, device_id=[own], url="https://é.example/", consent={"analytics": True}, channel="web", note=None
    ):
        headers = parcours.context_to_headers()
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    assert parcours.context_from_headers(headers) == parcours.Context(
        {"user_id": "7", "device_id": [str(own)]}, {"url": "https://é.example/"}, {"analytics": True}, "web"
    )


def test_nothing_said_is_no_header() -> None:
    assert parcours.context_to_headers() == {}
    assert parcours.context_from_headers({}) == parcours.Context()


def test_an_email_or_phone_in_clear_stays_behind() -> None:
    with parcours.context(email="ada@example.com", phone="+33612345678", user_id="u1"):
        headers = parcours.context_to_headers()
    assert "ada" not in str(headers)
    assert "336" not in str(headers)
    assert parcours.context_from_headers(headers).ids == {"user_id": "u1"}


@pytest.mark.parametrize("circumstances", [{"note": "x" * 5000}, {"note": object()}])
def test_circumstances_that_do_not_fit_stay_behind_and_identity_and_consent_travel(circumstances: Any) -> None:
    with parcours.context(user_id="u1", consent={"ads": False}, context=circumstances):
        headers = parcours.context_to_headers()
    assert len(headers[HEADER]) <= MAX_HEADER_CHARS
    assert parcours.context_from_headers(headers) == parcours.Context({"user_id": "u1"}, {}, {"ads": False})


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_a_header_that_is_wrong_says_nothing(value: str) -> None:
    assert parcours.context_from_headers({HEADER: value}) == parcours.Context()


@given(st.one_of(st.text(), st.binary(), st.none(), st.integers()))
def test_no_header_can_raise(value: object) -> None:
    assert isinstance(parcours.context_from_headers({HEADER: value}), parcours.Context)


def test_a_context_shows_nobody() -> None:
    said = parcours.Context({"user_id": "canary"}, {"url": "canary"}, {"canary": True}, "web")
    assert "canary" not in repr(said)


def test_the_context_loads_neither_pydantic_nor_orjson() -> None:
    code = """
import sys, parcours
with parcours.context(user_id="u1"):
    assert parcours.current_context().ids == {"user_id": "u1"}
print([name for name in ("pydantic", "orjson", "aiohttp", "asyncio") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
