"""Identifiers: one form, keyed hashes, placeholders."""

import hmac
import sys
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours_schemas.errors import InvalidIdentifier
from parcours_schemas.identifiers import hash_identifier, hash_ids, is_placeholder, normalise
from parcours_schemas.reject import RejectCode

KEY = b"the key of a project, of 32 bytes"
ADDRESSES = st.emails(domains=st.sampled_from(["example.fr", "mail.example.co.uk"]))
IDS = st.dictionaries(
    st.sampled_from(["anonymous_id", "user_id", "email", "email_sha256", "phone", "device_id"]),
    st.lists(ADDRESSES | st.just("null"), min_size=1, max_size=3),
).map(
    lambda ids: {
        kind: ["+33612345678"] if kind == "phone" else ["a" * 64] if kind == "email_sha256" else values
        for kind, values in ids.items()
    }
)


@pytest.mark.parametrize("address", ["Jean.Dupont@Example.FR", "  jean.dupont@example.fr\n", "JEAN.DUPONT@EXAMPLE.FR"])
def test_an_address_typed_in_several_ways_is_one_identifier(address: str) -> None:
    assert normalise("email", address) == "jean.dupont@example.fr"


def test_dots_and_tags_of_an_address_are_kept_as_they_distinguish_people() -> None:
    assert normalise("email", "j.dupont+shop@example.fr") == "j.dupont+shop@example.fr"


@pytest.mark.parametrize(
    "address", ["jean", "@example.fr", "jean@", "a@b@c", "jean dupont@example.fr", "a" * 250 + "@x.fr"]
)
def test_what_is_no_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(InvalidIdentifier) as raised:
        normalise("email", address)
    assert address not in str(raised.value)
    assert raised.value.code is RejectCode.INVALID_IDENTIFIER
    assert raised.value.kind == "email"


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("+33612345678", None),
        ("+33 6 12 34 56 78", None),
        ("06 12 34 56 78", "FR"),
        ("0033612345678", "FR"),
        ("+33 (0)6.12.34.56.78", None),
    ],
)
def test_a_phone_number_becomes_e164(number: str, region: str | None) -> None:
    assert normalise("phone", number, region=region) == "+33612345678"


def test_a_national_number_without_a_region_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidIdentifier, match=r"default region must be set.*send E\.164") as raised:
        normalise("phone", "06 12 34 56 78")
    assert "12 34" not in str(raised.value)


def test_without_the_phone_library_only_e164_is_taken_and_the_refusal_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    assert normalise("phone", " +33612345678 ") == "+33612345678"
    with pytest.raises(InvalidIdentifier, match=r"parcours\[phone\]"):
        normalise("phone", "+33 6 12 34 56 78")


def test_e164_gives_the_same_hash_with_and_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    # A number no plan knows: an SDK without the library and a collector with it must still agree.
    with_library = hash_identifier("phone", "+99912345678", KEY)
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    assert hash_identifier("phone", "+99912345678", KEY) == with_library


def test_other_kinds_are_taken_as_they_are() -> None:
    assert normalise("loyalty_card", " A-1 ") == " A-1 "


def test_a_hashed_kind_takes_only_a_hash() -> None:
    assert normalise("email_sha256", "A" * 64) == "a" * 64
    with pytest.raises(InvalidIdentifier, match="send a clear value as email"):
        normalise("email_sha256", "jean@example.fr")


def test_the_hash_is_hmac_sha256_of_the_normalised_value_under_the_key() -> None:
    expected = hmac.new(KEY, b"jean@example.fr", sha256).hexdigest()
    assert hash_identifier("email", " Jean@Example.fr", KEY) == ("email_sha256", expected)
    assert hash_identifier("email", "jean@example.fr", b"another key")[1] != expected


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="key of identifier hashes is empty"):
        hash_identifier("email", "jean@example.fr", b"")


def test_hashed_ids_hold_no_clear_kind_and_join_what_was_hashed_before() -> None:
    already = hash_identifier("email", "jean@example.fr", KEY)[1]
    hashed = hash_ids(
        {
            "email_sha256": already.upper(),
            "email": ["Jean@example.fr", "j@example.com"],
            "phone": "+33612345678",
            "user_id": "u1",
        },
        KEY,
    )
    assert hashed == {
        "email_sha256": [already, hash_identifier("email", "j@example.com", KEY)[1]],
        "phone_sha256": [hash_identifier("phone", "+33612345678", KEY)[1]],
        "user_id": ["u1"],
    }


def test_a_value_that_redaction_left_in_a_dead_letter_hashes_to_the_same_person_when_replayed() -> None:
    digest = hash_identifier("email", "jean@example.fr", KEY)[1]
    assert hash_ids({"email": f"email_sha256:{digest}"}, KEY) == {"email_sha256": [digest]}


def test_a_placeholder_keeps_its_text_under_the_hashed_kind() -> None:
    assert hash_ids({"phone": ["00000-000", "-1"], "email": "null"}, KEY) == {
        "phone_sha256": ["00000-000", "-1"],
        "email_sha256": ["null"],
    }


@given(IDS)
def test_hashing_identifiers_twice_changes_nothing(ids: dict[str, list[str]]) -> None:
    once = hash_ids(ids, KEY)
    assert hash_ids(once, KEY) == once
    assert not {"email", "phone"} & once.keys()


@pytest.mark.parametrize(
    "value",
    [
        "anonymous",
        "GUEST",
        "undefined",
        "null",
        "0",
        "[object Object]",
        "NaN",
        "'none'",
        "00000-000",
        "-1",
        "",
        "   ",
        "\xa0",
        "NULL",
        "None",
        "nil",
        "unknown",
        "n/a",
        "N/A",
        "true",
        "False",
        '"null"',
        "' undefined '",
        "00000000-0000-0000-0000-000000000000",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "---",
        "(not set)",
        "email",
        "ID",
    ],
)
def test_a_value_that_stands_for_a_missing_one_is_a_placeholder(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize(
    "value",
    ["nan", "u1", "A-Web", "guest-42", "10", "0a", "Anonymous Bosch", "5d41402abc4b2a76b9719d911017c592", "nullah"],
)
def test_a_value_that_may_be_somebodys_is_no_placeholder(value: str) -> None:
    assert not is_placeholder(value)


@given(
    st.sampled_from(["null", "Guest", "undefined", "0", "-1", "[object Object]"]),
    st.sampled_from(["'", '"', " ", "\t", "`"]),
)
def test_quotes_and_blanks_around_a_placeholder_do_not_hide_it(word: str, edge: str) -> None:
    assert is_placeholder(f"{edge}{word}{edge}")
