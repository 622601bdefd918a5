"""No clear e-mail address or phone number is left by redaction, and nothing else is touched."""

import re
import time
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
    "0033",
    "+33 ",
    "(0)",
    "phones",
    "homeTel",
    "tél",
    "fax",
    "contact_number",
    "\\u0040",
    "&#64;",
    "&commat;",
    "\uff20",
    "\uff0b",
    "\uff10\uff16",
    "\u200b",
    "localhost",
    "wa.me/",
    ",",
    "\n",
    "[10.0.0.1]",
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
        | st.dictionaries(
            TEXTS | st.sampled_from(["email", "emails", "tel", "phones", "homeTel", "tél", "id", "+33 612345678"]),
            inner,
            max_size=3,
        )
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
@example({"+1000000": 100000})
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


PHONE_KEYS = """
phones phone1 phone_2 phone_home phoneNumbers telephones telephone_fixe mobile_number_2 msisdn2 tel1 tels gsm1
phone_number_raw fax whatsapp WhatsApp portable callback_number homeTel TELEPHONE handy téléphone tél numéro_contact
móvil ｐｈｏｎｅ
"""


@pytest.mark.parametrize("key", PHONE_KEYS.split())
def test_a_name_that_means_a_phone_number_is_read_as_words(key: str) -> None:
    sent: Any = {key: "06 12 34 56 78", "other": {key: [{"number": "0612345678", "kind": "home"}]}}
    assert may_hold_clear_identifiers(orjson.dumps(sent))
    redacted: Any = redact_clear_identifiers(sent, KEY, region="FR")
    assert redacted[key] == f"phone_sha256:{PHONE}"
    assert redacted["other"][key] == [{"number": f"phone_sha256:{PHONE}", "kind": "home"}]


WRITTEN_NUMBERS = [
    "call +33 6 12 34 56 78",
    "+33-6-12-34-56-78",
    "+33 (0)6 12 34 56 78",
    "(+33) 6.12.34.56.78",
    "+33\u00a06\u00a012\u00a034\u00a056\u00a078",
    "+33\u20116\u201112\u201134\u201156\u201178",
    "\u202a+33 6 12 34 56 78\u202c",
    "0033612345678",
    "00 33 6 12 34 56 78",
    "n°+33612345678",
    "tel.+33612345678",
    "tel:+33612345678",
    "tel://33612345678",
    "https://wa.me/33612345678?text=x",
    "https://x.example/?n=0033612345678",
    "https://x.example/?n=%2B33+6+12+34+56+78",
    "https://x.example/?n=%2B33%206%2012%2034%2056%2078",
    "\uff0b33612345678",
    "+\uff13\uff13\uff16\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
    "\\u002b33612345678",
    "&#43;33612345678",
    '{"phones":[{"number":"0612345678"}, {"a":',
    '"telephone_fixe":"06 12 34 56 78"',
    "phone,name\n0612345678,Jean",
]


@pytest.mark.parametrize("text", WRITTEN_NUMBERS)
def test_a_number_is_found_however_it_is_written(text: str) -> None:
    everywhere: list[Any] = [{"ids": {"user_id": [text]}}, {"a": [text]}, {text: 1}, text]
    for sent in everywhere:
        assert may_hold_clear_identifiers(orjson.dumps(sent))
        redacted = redact_clear_identifiers(sent, KEY, region="FR")
        assert f"phone_sha256:{PHONE}" in str(redacted)
        assert "34" not in re.sub("[0-9a-f]{64}", "", str(redacted))
        assert redact_clear_identifiers(redacted, KEY, region="FR") == redacted


@pytest.mark.parametrize(
    "text",
    [
        '{"email":"jean.d\\u0040example.fr", broken',
        '{"email":"jean.d\\\\u0040example.fr"}',
        "jean.d&#64;example.fr",
        "jean.d&#x40;example.fr",
        "jean.d&amp;commat;example.fr",
        "jean.d\uff20example.fr",
        '"jean d"@example.fr',
        "jean.d@[10.0.0.1]",
        "jean.d@localhost",
        "mailto:jean.d@example.fr",
        "name,email\nx,jean.d@example.fr",
    ],
)
def test_an_address_is_found_however_it_is_written(text: str) -> None:
    everywhere: list[Any] = [{"note": text}, {text: 1}]
    for sent in everywhere:
        assert may_hold_clear_identifiers(orjson.dumps(sent))
        redacted = redact_clear_identifiers(sent, KEY)
        assert "jean" not in str(redacted)
        assert "email_sha256:" in str(redacted)
        assert redact_clear_identifiers(redacted, KEY) == redacted


def test_a_number_as_a_name_under_a_name_that_means_one_is_hashed() -> None:
    assert redact_clear_identifiers({"phones": {"0612345678": "home"}}, KEY, region="FR") == {
        "phones": {f"phone_sha256:{PHONE}": "home"}
    }


INNOCENT: list[Any] = [
    {"order_id": "0612345678"},
    {"order_id": 33612345678},
    {"order_id": "0000123456"},
    {"order_id": "CMD-2026-001234567"},
    {"sku": "4006381333931"},
    {"sku": "00-4006-381"},
    {"number": "1234567890123"},
    {"at": "2026-11-21T10:00:00.000000000+02:00"},
    {"at": "2026-11-21 10:00:00.123456789"},
    {"at": "2026-11-21T10:00:00+10:30"},
    {"at": "10:00:00"},
    {"at_ms": 1763719200000},
    {"at_seconds": "1763719200.000123456"},
    {"date": "21/11/2026 10:00"},
    {"price": "+1234.50"},
    {"price": "1 234 567,00"},
    {"price": "1,000,000.00"},
    {"change": "+12.5 %"},
    {"latitude": "+48.856614", "longitude": "-2.352222"},
    {"location": "+48.8566,+2.3522"},
    {"location": "48.856614, 2.352222"},
    {"uuid": "019ab1c2-3d4e-7f60-8a1b-2c3d4e5f6071"},
    {"uuid": "00123456-7890-1234-5678-123456789012"},
    {"digest": "d41d8cd98f00b204e9800998ecf8427e"},
    {"digest": "0012345678901234567890abcdef0123"},
    {"ip": "192.168.100.200"},
    {"ip": "2001:db8:0000:0000:0000:8a2e:0370:7334"},
    {"mac": "00-1A-2B-3C-4D-5E"},
    {"url": "https://shop.example/p/0012345-tv?ref=1234567890&q=a+b+1"},
    {"url": "https://video.example/@channel/videos"},
    {"version": "react@18"},
    {"user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/141.0.0.0 Mobile Safari/537.36"},
    {"hotel_id": "1234567890", "hôtel": "1234567890", "television": "1234567890"},
    {"headphones": "4006381333931", "iphone": "194253401234"},
    {"mobile_app_version": "10.15.712345", "phone_verified_at": 1763719200000},
    {"phone": {"verified_at": "2026-11-21T10:00:00Z", "id": "019ab1c2-3d4e-7f60-8a1b-2c3d4e5f6071"}},
    {"cancelled_orders": "12345678", "parcel": "12345678"},
    {"text": "Hôtel: 12345678 nights"},
    {"text": "\uff12\uff10\uff12\uff16 \uff0c 50 &#37; \\u00e9t\\u00e9"},
    {"isbn": "978-2-07-036822-8"},
    {"iban_end": "3000 6000 0112 3456 7890 189"},
    {"email_id": "m-1", "email_count": 1234567},
]


@pytest.mark.parametrize("value", INNOCENT, ids=str)
def test_the_innocent_stay_as_they_are(value: Any) -> None:
    assert redact_clear_identifiers(value, KEY, region="FR") == value


HOSTILE = (
    *(
        "tel:1-",
        "tel ",
        "phone_phone_",
        "tel=1,",
        "+1-",
        "00 ",
        "0033 ",
        "%25",
        "%",
        "a@",
        "@",
        "\\u",
        "&amp;",
        "&#",
        '"',
    ),
    *("1,\n", "wa.me/", "tel:0612345678 ", "a@bb.fr "),
)


@pytest.mark.parametrize("unit", HOSTILE)
def test_twice_the_hostile_text_takes_about_twice_the_time(unit: str) -> None:
    def least_seconds(chars: int) -> float:
        text = "tel:" + unit * (chars // len(unit))
        taken = []
        for _ in range(3):
            began = time.process_time()
            redact_clear_identifiers(text, KEY, region="FR")
            may_hold_clear_identifiers(text.encode())
            taken.append(time.process_time() - began)
        return min(taken)

    # Four times the text: a quadratic pattern takes sixteen times as long.
    assert least_seconds(80_000) < 10 * least_seconds(20_000) + 0.05


def test_an_address_with_a_long_run_of_encoded_percent_signs_is_decoded_in_linear_time() -> None:
    began = time.process_time()
    redacted = redact_clear_identifiers("a%" + "25" * 200_000 + "41@example.fr", KEY)
    assert str(redacted).startswith("email_sha256:")
    assert time.process_time() - began < 5
