"""The short way of a usual touchpoint: it takes nothing that the whole check of the envelope would refuse."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from parcours.consent import ConsentGate
from parcours.contents import Untyped
from parcours.encoding import NotEncodable, encode
from parcours.envelope import Circumstances, EnvelopeWriter
from parcours.familiar import Familiar
from parcours.outgoing import Outgoing
from parcours_schemas.envelope import WIRE, Context
from parcours_schemas.refusal import Refusal

NAMES = ["user_id", "email", "email_sha256", "analytics", "Bad Kind", "machine_seen", ""]
TEXTS = st.one_of(st.sampled_from(["u1", "", "x" * 512, "x" * 513]), st.text(max_size=5))
VALUES = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats(), st.lists(TEXTS, max_size=2))
OBJECTS = st.dictionaries(st.one_of(st.sampled_from(["source", "type", "name"]), TEXTS), VALUES, max_size=3)
KEYS = st.one_of(st.sampled_from(sorted(Context.__annotations__)), TEXTS)
CONTEXTS = st.none() | st.dictionaries(KEYS, st.one_of(VALUES, OBJECTS), max_size=4)
IDS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)
CONSENTS = st.none() | st.dictionaries(st.sampled_from(NAMES), st.one_of(st.booleans(), VALUES), max_size=4)
ENVELOPE = {"id": "0" * 8 + "-0000-7000-8000-" + "0" * 12, "name": "a", "occurred_at": "2026-11-21T10:00:00Z"}


def knowing() -> Familiar:
    """One that has learnt what can be learnt of names that pass."""
    made = Familiar()
    made.learn("machine_seen", None, None, {"ids": {"user_id": "u", "email": "x"}, "consent": {"analytics": True}})
    return made


@given(IDS, CONTEXTS, CONSENTS)
def test_what_is_plain_passes_the_check(ids: Any, context: Any, consent: Any) -> None:
    if not knowing().is_plain(ids, context, consent):
        return
    try:
        said = orjson.loads(encode({"ids": ids, "context": context or {}, "consent": consent or {}}))
    except NotEncodable:
        return
    WIRE.validate_python({**ENVELOPE, **said})


@pytest.mark.parametrize(
    ("ids", "context", "consent", "plain"),
    [
        ({"user_id": "u1"}, {"url": "https://shop.example/", "aisle": 5}, {"analytics": False}, True),
        ({}, {"campaign": {"source": "google", "medium": "cpc"}}, None, True),
        ({"email": "ada@example.com"}, None, None, False),
        ({"user_id": 5}, None, None, False),
        ({"crm_contact": "c1"}, None, None, False),
        ({}, {"campaign": {"source": 5}}, None, False),
        ({}, {"campaign": "google"}, None, False),
        ({}, None, {"analytics": 1}, False),
    ],
)
def test_only_what_was_seen_before_is_plain(ids: Any, context: Any, consent: Any, plain: bool) -> None:
    assert knowing().is_plain(ids, context, consent) is plain


@given(IDS, CONTEXTS, CONSENTS, st.sampled_from([None, "web", "Web Site", ""]))
def test_the_second_time_a_touchpoint_is_judged_and_written_as_the_first(
    ids: Any, context: Any, consent: Any, channel: Any
) -> None:
    writer = EnvelopeWriter(b"k" * 32, None, ConsentGate(None))
    first, second = (
        writer.write(Untyped("machine_seen", "1-0-0"), b"{}", Circumstances(None, channel, context, consent, None, ids))
        for _ in range(2)
    )
    if isinstance(first, Refusal):
        assert second == first
        return
    assert isinstance(first, Outgoing)
    assert isinstance(second, Outgoing)
    one, other = orjson.loads(first.wire), orjson.loads(second.wire)
    for own in ("id", "occurred_at"):
        assert one.pop(own) != ""
        assert other.pop(own) != ""
    assert one == other
    try:
        WIRE.validate_python({**one, "id": first.id, "occurred_at": "2026-11-21T10:00:00Z"})
    except ValidationError as error:
        pytest.fail(f"written and wrong: {error.errors(include_input=False)}")
