"""A small request cannot cost much: while a hostile one is worked on, the collector answers everybody else."""

import gzip
import http.client
import threading
import time
from collections.abc import Iterator

import orjson
import pytest
from backports import zstd

from tests.events import event
from tests.running import CollectorProcess, Sender, add_source

NOBODY = "http://nobody:nothing@127.0.0.1:9"
PATIENCE_SECONDS = 6.0
"""How long another request may wait on a busy machine; most of what is tested here took 8 s to hours."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CollectorProcess, Sender]]:
    data = tmp_path_factory.mktemp("costs")
    sender = add_source(data, "app", "shop")
    quick = {"PARCOURS_STITCHING__INTERVAL_SECONDS": "0", "PARCOURS_SHUTDOWN_SECONDS": "0"}
    with CollectorProcess(data, NOBODY, environment=quick) as process:
        yield process, sender


def with_property(value: bytes) -> bytes:
    return b"[" + orjson.dumps(event())[:-2] + b',"more":' + value + b"}}]"


def letter(payload: bytes) -> bytes:
    return b'[{"code":"unmapped_row","path":"","detail":"no map","line":1,"payload":' + payload + b"}]"


def many(value: bytes, count: int) -> bytes:
    return b"[" + b",".join([value] * count) + b"]"


def posted(
    running: tuple[CollectorProcess, Sender],
    body: bytes,
    *,
    path: str = "/v1/touchpoints",
    content_type: str = "application/json",
    encoding: str = "identity",
) -> tuple[int, dict[str, object]]:
    process, sender = running
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=120)
    try:
        connection.request(
            "POST",
            path,
            body,
            {
                "Authorization": f"Bearer {sender.write_key}",
                "Content-Type": content_type,
                "Content-Encoding": encoding,
            },
        )
        answer = connection.getresponse()
        return answer.status, orjson.loads(answer.read())
    finally:
        connection.close()


def longest_wait_beside(running: tuple[CollectorProcess, Sender], work: threading.Thread) -> float:
    """How long /livez takes at worst until another request is answered."""
    longest = 0.0
    work.start()
    while True:
        began_at = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", running[0].port, timeout=120)
        connection.request("GET", "/livez")
        assert connection.getresponse().status == 200
        connection.close()
        longest = max(longest, time.monotonic() - began_at)
        if not work.is_alive():
            return longest
        work.join(0.05)


@pytest.mark.parametrize(
    ("path", "content_type", "body", "status"),
    [
        ("/v1/touchpoints", "application/json", b'["' + b'\\"' * 100_000, 400),
        ("/v1/touchpoints", "application/json", b'[NaN,"' + b'\\"' * 100_000 + b"]", 200),
        ("/v1/touchpoints", "application/json", b"[" * 4_000_000, 400),
        ("/v1/touchpoints", "application/json", b"[NaN" + b"," * 4_000_000 + b"1]", 413),
        ("/v1/touchpoints", "application/json", many(b"{}", 1_000_000), 413),
        ("/v1/touchpoints", "application/x-ndjson", b"x\n" * 8_000_000, 413),
        ("/v1/touchpoints", "application/x-ndjson", b" \n" * 8_000_000, 200),
        ("/v1/touchpoints", "application/json", with_property(many(b"{}", 1_500_000)), 200),
        ("/v1/touchpoints", "application/json", with_property(b'"' + b"a1@" * 1_000_000 + b'"'), 200),
        ("/v1/dead-letters", "application/json", letter(many(b"{}", 1_500_000)), 200),
        ("/v1/dead-letters", "application/x-ndjson", b"x\n" * 8_000_000, 413),
    ],
    ids=[
        "a text without end",
        "a text without end after an event",
        "brackets without end",
        "commas",
        "an array of too many",
        "too many lines",
        "blank lines",
        "a touchpoint of a million parts",
        "a touchpoint with a long text",
        "a letter of a million parts",
        "too many letters",
    ],
)
def test_others_are_answered_while_a_hostile_body_is_worked_on(
    running: tuple[CollectorProcess, Sender], path: str, content_type: str, body: bytes, status: int
) -> None:
    answers: list[tuple[int, dict[str, object]]] = []
    sent = gzip.compress(body, 6)
    work = threading.Thread(
        target=lambda: answers.append(posted(running, sent, path=path, content_type=content_type, encoding="gzip"))
    )
    assert longest_wait_beside(running, work) < PATIENCE_SECONDS
    assert answers[0][0] == status


def test_many_middling_touchpoints_let_others_through(running: tuple[CollectorProcess, Sender]) -> None:
    note = "a1@" * 15_000
    body = orjson.dumps([event(properties={"product_id": "p", "note": note}) for _ in range(80)])
    answers: list[tuple[int, dict[str, object]]] = []
    work = threading.Thread(target=lambda: answers.append(posted(running, gzip.compress(body, 6), encoding="gzip")))
    assert longest_wait_beside(running, work) < 1.5
    assert answers == [(200, {"accepted": 80, "duplicate": 0, "rejected": []})]


@pytest.mark.parametrize(("encoding", "empty"), [("gzip", gzip.compress(b"", mtime=0)), ("zstd", zstd.compress(b""))])
def test_a_body_of_many_compressed_parts_is_refused_at_once(
    running: tuple[CollectorProcess, Sender], encoding: str, empty: bytes
) -> None:
    answers: list[tuple[int, dict[str, object]]] = []
    body = empty * (4_190_000 // len(empty))
    work = threading.Thread(target=lambda: answers.append(posted(running, body, encoding=encoding)))
    assert longest_wait_beside(running, work) < PATIENCE_SECONDS
    assert answers[0][0] == 413
    assert "parts" in str(answers[0][1]["message"])


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
def test_a_body_compressed_in_several_parts_is_read_whole(
    running: tuple[CollectorProcess, Sender], encoding: str, compress: object
) -> None:
    assert callable(compress)
    events = [orjson.dumps(event()) for _ in range(600)]
    body = b"".join(compress(one + b"\n") for one in events)
    status, answer = posted(running, body, content_type="application/x-ndjson", encoding=encoding)
    assert (status, answer["accepted"]) == (200, 600)


def test_of_a_text_without_end_the_events_before_it_are_taken(running: tuple[CollectorProcess, Sender]) -> None:
    status, answer = posted(running, b"[" + orjson.dumps(event()) + b',{"a":"b}]')
    assert (status, answer["accepted"]) == (200, 1)
    assert [one["code"] for one in answer["rejected"]] == ["invalid_json"]  # type: ignore[attr-defined]
