"""Sending to a collector that misbehaves: the same bytes again, pauses as told, and errors that end the work."""

import gzip
from collections.abc import AsyncIterator, Callable

import orjson
import pytest
from aiohttp import web

from parcours_collector.sending.answer import Receipt, Rejected
from parcours_collector.sending.collector import Address, Collector
from parcours_collector.sending.errors import CollectorUnreachable, KeyRefused, NotACollector

Answer = Callable[[list[object]], web.Response]


class Faulty:
    """A server that gives prepared answers in turn, the last one again and again, and keeps the bodies it was sent."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.bodies: list[bytes] = []
        self.endpoint = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append(body)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(orjson.loads(gzip.decompress(body)) if body else [])


@pytest.fixture
async def faulty() -> AsyncIterator[Faulty]:
    made = Faulty()
    application = web.Application()
    application.router.add_route("*", "/{door:.*}", made.handle)
    runner = web.AppRunner(application, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


def status(code: int, **headers: str) -> Answer:
    return lambda _events: web.Response(status=code, headers=headers)


def says(answer: object) -> Answer:
    return lambda _events: web.json_response(answer)


def takes_all(events: list[object]) -> web.Response:
    return web.json_response({"accepted": len(events), "duplicate": 0, "rejected": []})


def takes_at_most(most: int) -> Answer:
    return lambda events: web.Response(status=413) if len(events) > most else takes_all(events)


async def send(faulty: Faulty, events: list[bytes]) -> tuple[Receipt, list[str]]:
    told: list[str] = []
    async with Collector(Address(faulty.endpoint, "pwk_test"), tell=told.append) as collector:
        return await collector.send_touchpoints(events), told


@pytest.mark.parametrize(
    "failure",
    [
        status(503, **{"Retry-After": "0"}),
        status(503),
        status(502),
        status(429, **{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        says({"accepted": 1, "duplicate": 0, "rejected": []}),
        says({"accepted": 3, "duplicate": 0, "rejected": [{"index": 2, "code": "x"}]}),
        says({"accepted": 0, "duplicate": 0, "rejected": [{"index": 2, "code": "x"}, {"index": 2, "code": "x"}]}),
        says({"accepted": 1, "duplicate": 0, "rejected": [{"index": 7, "code": "x"}]}),
        says({"accepted": -1, "duplicate": 3, "rejected": []}),
        says("<html>"),
    ],
)
async def test_until_the_collector_has_answered_for_all_the_same_bytes_go_out_again(
    faulty: Faulty, failure: Answer
) -> None:
    faulty.answers = [failure, failure, takes_all]
    receipt, told = await send(faulty, [b'{"n":1}', b'{"n":2}'])
    assert receipt == Receipt(2, 0, ())
    assert len(faulty.bodies) == 3
    assert len(set(faulty.bodies)) == 1
    assert ["Waiting for it" in told[0], "is back" in told[1], len(told)] == [True, True, 2]


async def test_a_pause_the_collector_asks_for_is_kept(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def no_sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("parcours_collector.sending.collector.asyncio.sleep", no_sleep)
    faulty.answers = [status(503, **{"Retry-After": "17"}), *[status(503)] * 20, takes_all]
    await send(faulty, [b"{}"])
    assert pauses[0] == 17.0
    assert 0.1 <= pauses[1] <= 0.4
    assert max(pauses[1:]) <= 5.0


async def test_halves_keep_the_places_of_what_was_rejected(faulty: Faulty) -> None:
    def rejects_threes(events: list[object]) -> web.Response:
        if len(events) > 2:
            return web.Response(status=413)
        wrong = [{"index": i, "code": "c", "path": "/p", "detail": "d"} for i, one in enumerate(events) if one == 3]
        return web.json_response({"accepted": len(events) - len(wrong), "duplicate": 0, "rejected": wrong})

    faulty.answers = [rejects_threes]
    receipt, _ = await send(faulty, [b"1", b"3", b"1", b"1", b"1", b"1", b"3"])
    assert receipt == Receipt(5, 0, (Rejected(1, "c", "/p", "d"), Rejected(6, "c", "/p", "d")))


async def test_one_touchpoint_that_is_too_large_alone_is_rejected_here(faulty: Faulty) -> None:
    faulty.answers = [takes_at_most(0)]
    receipt, _ = await send(faulty, [b"1", b"2"])
    assert receipt.kept == 0
    assert [(one.index, one.code) for one in receipt.rejected] == [(0, "too_large"), (1, "too_large")]


@pytest.mark.parametrize(
    ("answer", "error"),
    [(status(401), KeyRefused), (status(403), KeyRefused), (status(404), NotACollector), (status(302), NotACollector)],
)
async def test_a_refused_key_and_a_stranger_end_the_work(
    faulty: Faulty, answer: Answer, error: type[Exception]
) -> None:
    faulty.answers = [answer]
    with pytest.raises(error) as raised:
        await send(faulty, [b"{}"])
    assert "pwk_test" not in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "error"), [(says({"hello": 1}), NotACollector), (status(503), CollectorUnreachable)]
)
async def test_the_owner_of_a_key_is_asked_once(faulty: Faulty, answer: Answer, error: type[Exception]) -> None:
    faulty.answers = [answer]
    async with Collector(Address(faulty.endpoint, "pwk_test"), tell=lambda _: None) as collector:
        with pytest.raises(error):
            await collector.owner()
    assert len(faulty.bodies) == 1


async def test_nothing_to_send_asks_nobody(faulty: Faulty) -> None:
    assert await send(faulty, []) == (Receipt(0, 0, ()), [])
    assert faulty.bodies == []
