"""No clear e-mail address or phone number is left by redaction, and nothing else is touched."""

from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parcours_schemas.identifiers import hash_identifier, may_hold_clear_identifiers, redact_clear_identifiers

KEY = b"the key of a project, of 32 bytes"
JEAN = hash_identifier("email", "jean.d@example.fr", KEY)[1]
PHONE = hash_identifier("phone", "+33612345678", KEY)[1]

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
WORDS = [
    "tel",
    "Phone",
    "mobile",
    "gsm",
    "cell_number",
    "=",
    ":",
    "0612345678",
    "06 12 34 56 78",
    "+33612345678",
    "%",
    "40",
]
TELLING = st.lists(
    st.sampled_from([*WORDS, "25", "3D", "2B", "@", "a.fr", "jean", " ", "\u00a0", '"', "\\", "é", "ı", "."]),
    max_size=10,
).map("".join)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | TELLING,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS | st.sampled_from(["email", "tel", "id"]), inner, max_size=3)
    ),
    max_leaves=8,
)
ADDRESSES = st.emails(domains=st.sampled_from(["example.fr", "mail.example.co.uk", "EXAMPLE.com"]))


@pytest.mark.parametrize(
    "text",
    [
        "jean.d@example.fr",
        "write to jean.d@example.fr.",
        "<Jean.D@Example.FR>",
        "mailto:jean.d@example.fr",
        "https://shop.example/?email=jean.d@example.fr&page=2",
        "https://shop.example/?email=jean.d%40example.fr",
        "https://shop.example/?next=%2Faccount%3Femail%3Djean.d%40example%2Efr%26a%3Db",
        "https://a.example/?next=https%3A%2F%2Fb.example%2F%3Femail%3Djean.d%2540example.fr",
        "a@example.fr,jean.d@example.fr;b@example.fr",
        '{"email":"jean.d@example.fr"}',
        "'jean.d@example.fr'",
    ],
)
def test_an_address_inside_any_text_becomes_its_hash(text: str) -> None:
    redacted = redact_clear_identifiers({"note": text}, KEY)
    assert isinstance(redacted, dict)
    note = str(redacted["note"]).lower()
    assert "jean" not in note
    assert "@" not in note
    if "'" not in text:
        assert f"email_sha256:{JEAN}" in note


def test_the_text_around_an_address_stays() -> None:
    redacted = redact_clear_identifiers("https://shop.example/?email=jean.d%40example.fr&page=2#top", KEY)
    assert redacted == f"https://shop.example/?email=email_sha256:{JEAN}&page=2#top"


def test_an_address_used_as_the_name_of_a_property_is_hidden_too() -> None:
    assert redact_clear_identifiers({"jean.d@example.fr": 1}, KEY) == {f"email_sha256:{JEAN}": 1}


@pytest.mark.parametrize(
    "key",
    [
        "phone",
        "Phone",
        "phone_number",
        "phoneNumber",
        "mobile",
        "mobile_phone",
        "tel",
        "billing_tel",
        "customer-phone",
        "gsm",
        "PHONE",
    ],
)
def test_what_stands_under_the_name_of_a_phone_number_is_hashed(key: str) -> None:
    hidden = redact_clear_identifiers({key: "06 12 34 56 78"}, KEY, region="FR")
    assert hidden == {key: f"phone_sha256:{PHONE}"}
    as_number = redact_clear_identifiers({key: 33612345678}, KEY)
    assert "33612345678" not in str(as_number)
    nested = redact_clear_identifiers({key: {"home": ["0612345678 (after six)"]}}, KEY)
    assert "0612345678" not in str(nested)


@pytest.mark.parametrize("key", ["email", "E-Mail", "e_mail", "email_address", "emailAddress"])
def test_what_stands_under_the_name_of_an_address_is_hashed_whatever_it_looks_like(key: str) -> None:
    assert "jean" not in str(redact_clear_identifiers({key: "jean (at) example.fr"}, KEY))


def test_a_number_in_e164_is_hidden_in_any_text() -> None:
    assert redact_clear_identifiers("call +33612345678 now", KEY) == f"call phone_sha256:{PHONE} now"
    assert (
        redact_clear_identifiers("https://x.example/?n=%2B33612345678", KEY)
        == f"https://x.example/?n=phone_sha256:{PHONE}"
    )


@pytest.mark.parametrize(
    "value",
    [
        {
            "email": None,
            "phone": True,
            "mobile": "yes",
            "email_id": "m-1",
            "hotel": "1234567890",
            "cancelled": 12345678,
        },
        {"phone": "null", "email": "undefined"},
        {"email": "a" * 64, "phone": f"phone_sha256:{'a' * 64}"},
        {"at": "2026-11-21T10:00:00+02:00", "text": "@brand 2@3 a@b 100%", "price": "799.00"},
        {"url": "https://shop.example/caf%C3%A9?q=t%C3%A9l%C3%A9&x=1+2"},
    ],
)
def test_what_is_no_address_and_no_number_stays_as_it_is(value: Any) -> None:
    assert redact_clear_identifiers(value, KEY) == value


@given(address=ADDRESSES, before=TEXTS, after=TEXTS, encoding=st.integers(0, 3))
@example(address="a=b/c@example.fr", before="", after="", encoding=0)
@example(address="o'brien@example.fr", before="'", after="'", encoding=0)
@example(address="x/@example.fr", before="", after="", encoding=1)
def test_no_address_survives_in_any_text_encoded_any_number_of_times(
    address: str, before: str, after: str, encoding: int
) -> None:
    written = address
    for _ in range(encoding):
        written = quote(written, safe="")
    # Something that ends the address, so that the text around does not become a part of it.
    text = f"{before} {written} {after}"
    redacted = orjson.dumps(redact_clear_identifiers({"text": [text]}, KEY)).decode()
    assert written not in redacted
    assert address not in redacted


@given(address=ADDRESSES)
def test_an_address_by_itself_gives_the_hash_under_which_it_is_an_identifier(address: str) -> None:
    if all(character.isalnum() or character in "@.+-_'" for character in address) and address[0] != "'":
        digest = hash_identifier("email", address, KEY)[1]
        assert redact_clear_identifiers(address, KEY) == f"email_sha256:{digest}"


@given(JSON)
@example("0@0.00@0.00")
@example({"TEL": "0@0.00:"})
def test_redacting_twice_is_redacting_once(value: Any) -> None:
    once = redact_clear_identifiers(value, KEY)
    assert redact_clear_identifiers(once, KEY) == once


@given(JSON)
def test_where_the_look_at_the_bytes_finds_nothing_redaction_changes_nothing(value: Any) -> None:
    raw = orjson.dumps(value)
    if not may_hold_clear_identifiers(raw):
        assert redact_clear_identifiers(orjson.loads(raw), KEY) == orjson.loads(raw)


@given(address=ADDRESSES, escape=st.booleans())
def test_the_look_at_the_bytes_misses_no_address_even_when_the_sender_escapes_it(address: str, escape: bool) -> None:
    raw = orjson.dumps({"note": f"x {address} y"})
    assert may_hold_clear_identifiers(raw.replace(b"@", b"\\u0040") if escape else raw)


@pytest.mark.parametrize(
    "key", ["phone", "Mobile", "tel", "customer_tel", "gsm", "cell", "PhoneNumber", "msisdn", "cell_number"]
)
def test_the_look_at_the_bytes_misses_no_name_of_a_phone_number(key: str) -> None:
    assert may_hold_clear_identifiers(orjson.dumps({key: "0612345678"}))


def test_the_look_at_the_bytes_lets_a_usual_event_pass() -> None:
    event = {
        "name": "product_viewed",
        "occurred_at": "2026-11-21T10:00:00.000+02:00",
        "ids": {"anonymous_id": "a1"},
        "context": {"url": "https://shop.example/hotel?cancelled=1&q=a+b"},
        "properties": {"product_id": "tv-55", "price": "799.00", "currency": "EUR"},
    }
    assert not may_hold_clear_identifiers(orjson.dumps(event))


def test_a_long_text_of_any_shape_is_redacted_in_linear_time() -> None:
    for text in ("a" * 200_000, "a%40" * 50_000, "%25" * 60_000 + "40", "@" * 200_000, "a." * 100_000 + "@"):
        redact_clear_identifiers(text + "@", KEY)


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.example/?tel=0612345678&page=2",
        "https://shop.example/?customer_phone=06%2012%2034%2056%2078",
        "https://shop.example/?next=%2Fcall%3Fphone%3D0612345678",
        'not quite JSON: {"phone":"06 12 34 56 78", "a":',
        "Mobile: 06.12.34.56.78",
        "Tel\u00a0: 06\u00a012\u00a034\u00a056\u00a078",
        "tel:0612345678",
        '{"a":"{\\"phone\\":\\"0612345678\\"}"}',
    ],
)
def test_a_number_that_a_name_in_the_text_gives_away_is_hidden(text: str) -> None:
    redacted = redact_clear_identifiers({"text": text}, KEY, region="FR")
    assert isinstance(redacted, dict)
    assert f"phone_sha256:{PHONE}" in str(redacted["text"])
    assert "34" not in str(redacted["text"]).replace(PHONE, "")
    assert may_hold_clear_identifiers(orjson.dumps({"text": text}))
    assert redact_clear_identifiers(redacted, KEY, region="FR") == redacted


def test_a_value_as_deep_as_json_is_read_is_redacted() -> None:
    levels = 1000
    sent = orjson.loads('{"a":[' * (levels // 2) + '"jean.d@example.fr"' + "]}" * (levels // 2))
    redacted: Any = redact_clear_identifiers(sent, KEY)
    for _ in range(levels // 2):
        redacted = redacted["a"][0]
        sent = sent["a"][0]
    assert redacted == f"email_sha256:{JEAN}"
    assert sent == "jean.d@example.fr"


def test_the_order_of_properties_stays() -> None:
    redacted = redact_clear_identifiers({"b": 1, "email": "jean.d@example.fr", "a": {"d": 1, "c": 2}}, KEY)
    assert isinstance(redacted, dict)
    assert list(redacted) == ["b", "email", "a"]
    assert list(redacted["a"]) == ["d", "c"]  # type: ignore[arg-type]  # an object, as sent
