"""The collector's answer is read with suspicion: only a receipt that accounts for everything settles anything."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.answer import Answered, Refused, Rejection, TooLarge, Unavailable, Unreadable, read_answer
from parcours.outgoing import Outgoing
from parcours.retry import Backoff

SENT = [Outgoing(f"id-{number}", "machine_seen", b"{}") for number in range(3)]


def receipt(accepted: object, duplicate: object, *rejected: object) -> bytes:
    return orjson.dumps({"accepted": accepted, "duplicate": duplicate, "rejected": list(rejected)})


def test_a_receipt_settles_every_touchpoint() -> None:
    body = receipt(1, 1, {"index": 2, "id": "id-2", "code": "schema_violation", "path": "/name", "detail": "no"})
    assert read_answer(200, {}, body, SENT) == Answered((Rejection(2, "schema_violation", "/name", "no"),))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"null",
        b"[]",
        b"{}",
        receipt(4, 0),
        receipt(2, 0),
        receipt(5, -2),
        receipt("3", 0),
        receipt(2, 0, "id-2"),
        receipt(2, 0, {"index": 3}),
        receipt(2, 0, {"index": -1}),
        receipt(2, 0, {"index": 1, "id": "id-2"}),
        receipt(1, 0, {"index": 1}, {"index": 1}),
        receipt(2, 0, {"index": 1, "id": ["id-1"]}),
        receipt(2, 0, {"index": 1, "id": {"id": "id-1"}}),
    ],
)
def test_a_200_that_does_not_add_up_settles_nothing(body: bytes) -> None:
    assert isinstance(read_answer(200, {}, body, SENT), Unavailable)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5), st.lists).map(orjson.dumps)
)
def test_no_garbage_of_any_kind_counts_as_delivery_or_raises(body: bytes) -> None:
    assert isinstance(read_answer(200, {}, body, SENT), Unavailable)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (202, b"", Unavailable),
        (204, b"", Unavailable),
        (301, b"", Refused),
        (400, b'{"error":"unreadable"}', Unreadable),
        (400, b"<html>plain HTTP on a TLS port", Refused),
        (400, b'{"status":400,"error":"Bad Request","path":"/v1/touchpoints"}', Refused),
        (400, b'{"error":["unreadable"]}', Refused),
        (401, b"", Refused),
        (403, b"", Refused),
        (404, b"", Refused),
        (408, b"", Unavailable),
        (413, b"", TooLarge),
        (415, b'{"error":"unsupported_encoding"}', Unreadable),
        (429, b"", Unavailable),
        (500, b"", Unavailable),
        (503, b"", Unavailable),
    ],
)
def test_a_status_means_one_thing(status: int, body: bytes, kind: type) -> None:
    assert isinstance(read_answer(status, {}, body, SENT), kind)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5.0), ("0", 0.0), ("-3", 0.0), ("1e9", 3600.0), ("nan", None), ("soon", None), ("", None)],
)
def test_retry_after_in_seconds_is_bounded(value: str, seconds: float | None) -> None:
    assert read_answer(503, {"Retry-After": value}, b"", SENT) == Unavailable("status 503", seconds)


def test_retry_after_as_a_date_is_understood() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    answer = read_answer(503, {"Retry-After": at}, b"", SENT)
    assert isinstance(answer, Unavailable)
    assert answer.retry_after_seconds == pytest.approx(100, abs=5)


def test_retry_after_as_a_date_is_read_by_the_clock_of_whoever_says_it() -> None:
    # A till that boots in 2000, or in 2100: the date alone would be an hour's wait, or none.
    headers = {"Retry-After": "Sat, 21 Nov 2026 10:01:00 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}
    assert read_answer(503, headers, b"", SENT) == Unavailable("status 503", 60.0)
    assert read_answer(503, {**headers, "Date": "today"}, b"", SENT) != Unavailable("status 503", None)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_can_raise(retry_after: str, date: str) -> None:
    assert isinstance(read_answer(503, {"Retry-After": retry_after, "Date": date}, b"", SENT), Unavailable)


def test_what_was_taken_with_a_warning_is_delivered_and_a_warning_that_cannot_be_read_costs_nothing() -> None:
    warning = {"index": 0, "id": SENT[0].id, "code": "unknown_property", "path": "/properties/colour", "detail": "x"}
    receipt = {
        "accepted": len(SENT),
        "duplicate": 0,
        "rejected": [],
        "warnings": [warning, {"index": 99}, 7, {"index": 1, "id": []}],
    }
    answer = read_answer(200, {}, orjson.dumps(receipt), SENT)
    assert isinstance(answer, Answered)
    assert not answer.rejections
    assert (answer.warnings[0].code, answer.warnings[0].path) == ("unknown_property", "/properties/colour")
    assert read_answer(200, {}, orjson.dumps({**receipt, "warnings": "none"}), SENT) == Answered(())


def test_waits_grow_to_their_bound_and_never_end() -> None:
    backoff = Backoff(base_seconds=0.5, max_seconds=60.0)
    waits = [backoff.wait_seconds(Unavailable("timeout")) for _ in range(2_000)]
    assert all(0.0 <= wait <= min(60.0, 0.5 * 2**index) for index, wait in enumerate(waits[:20]))
    assert max(waits) <= 60.0
    # Full jitter: spread over the whole span, so that a thousand tills do not come back at once.
    assert min(waits[20:]) < 5.0
    assert max(waits[20:]) > 55.0


def test_a_wait_is_never_shorter_than_the_collector_asked_for() -> None:
    backoff = Backoff(base_seconds=0.5, max_seconds=60.0)
    waits = [backoff.wait_seconds(Unavailable("status 503", 90.0)) for _ in range(100)]
    assert all(90.0 <= wait <= 99.0 for wait in waits)


def test_a_refusal_is_asked_about_seldom() -> None:
    backoff = Backoff(base_seconds=0.5, max_seconds=60.0)
    assert all(30.0 <= backoff.wait_seconds(Refused("the key")) <= 60.0 for _ in range(100))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"code": "invalid_time", "path": "/properties/items/0/price"}, ("invalid_time", "/properties/items/0/price")),
        ({"code": "invalid_time", "path": "/context/*"}, ("invalid_time", "/context/*")),
        ({"code": "canary\nWARNING:root:forged", "path": "/name\nWARNING:root:forged"}, ("unknown_code", "*")),
        ({"code": ["canary"], "path": {"canary": 1}}, ("unknown_code", "*")),
        ({"code": "", "path": "/properties/jo@example.com"}, ("unknown_code", "*")),
        ({}, ("unknown_code", "")),
    ],
)
def test_of_a_rejection_only_known_codes_and_plain_pointers_are_shown(
    given: dict[str, object], shown: tuple[str, str]
) -> None:
    answer = read_answer(200, {}, receipt(2, 0, {"index": 1, "detail": "no", **given}), SENT)
    assert answer == Answered((Rejection(1, *shown, "no"),))
