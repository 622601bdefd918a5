"""Money: kept exactly, bounded, never without its currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from parcours_schemas.catalogue import CATALOGUE, OrderCompleted, PaymentFailed, ProductViewed, ReceiptIssued
from parcours_schemas.currencies import CURRENCIES
from parcours_schemas.fields import parse_amount
from parcours_schemas.money import revenue_of

AMOUNTS = st.decimals(min_value=Decimal(0), max_value=Decimal("99999999999999.9999"), places=4, allow_nan=False)


@given(AMOUNTS)
def test_an_amount_sent_as_a_string_comes_back_exactly(amount: Decimal) -> None:
    viewed = ProductViewed(product_id="p", price=str(amount), currency="EUR")  # type: ignore[arg-type]  # wire form
    assert viewed.price == amount
    assert Decimal(viewed.properties()["price"]) == amount


@given(st.integers(0, 10**9 - 1), st.integers(0, 9999))
def test_an_amount_sent_as_a_number_is_the_decimal_that_was_written(whole: int, ten_thousandths: int) -> None:
    written = f"{whole}.{ten_thousandths:04d}"
    assert parse_amount(float(written)) == Decimal(written)


@pytest.mark.parametrize(
    "amount",
    [
        "",
        "abc",
        "1,50",
        "1e3",
        "€5",
        " 5",
        "5 ",
        "1_000",
        "٥",
        "NaN",
        "Infinity",
        ".5",
        "5.",
        "+5",
        "0.00001",
        "1" * 15,
        True,
        None,
        [],
        float("nan"),
        float("inf"),
        1e300,
        10**14,
        pytest.param(10**5000, id="a number of 5000 digits"),
        Decimal("1E+50"),
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("0.00001"),
        "5\n",
    ],
)
def test_what_is_no_decimal_of_fourteen_and_four_digits_is_refused_without_repeating_it(amount: object) -> None:
    with pytest.raises(PydanticCustomError) as raised:
        parse_amount(amount)
    assert "decimal string or a number" in str(raised.value)


@pytest.mark.parametrize(
    ("amount", "meant"),
    [
        (0, "0"),
        (799, "799"),
        (799.0, "799"),
        (799.99, "799.99"),
        ("0799.10", "799.10"),
        (Decimal("5.10000"), "5.1"),
        (1e13, "10000000000000"),
    ],
)
def test_usual_ways_to_write_an_amount_are_understood(amount: object, meant: str) -> None:
    assert parse_amount(amount) == Decimal(meant)


@pytest.mark.parametrize(
    ("amount", "meant"),
    [
        (0.1 + 0.2, "0.3"),
        (19.99 * 3, "59.97"),
        (1.00005, "1"),
        (1.00015, "1.0002"),
        (-1.00005, "-1"),
        (0.00001, "0"),
        (0.3 - 0.1 - 0.2, "0"),
        (-0.0, "0"),
        (5e-324, "0"),
        (12345678901234.123, "12345678901234.123"),
    ],
)
def test_a_number_is_rounded_to_four_decimals_half_to_even(amount: float, meant: str) -> None:
    assert str(parse_amount(amount)) == meant


@pytest.mark.parametrize("amount", ["0.30000000000000004", Decimal("0.30000000000000004"), "1.00005"])
def test_an_amount_written_out_is_never_rounded(amount: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_amount(amount)


@given(st.floats(min_value=-1e13, max_value=1e13))
def test_no_finite_number_is_refused_for_its_decimals(number: float) -> None:
    amount = parse_amount(number)
    assert abs(amount - Decimal(repr(number))) <= Decimal("0.00005")
    assert parse_amount(str(amount)) == amount


def test_a_cart_that_was_summed_in_floats_brings_its_rounded_revenue() -> None:
    viewed = ProductViewed(product_id="p", price=0.1 + 0.2, currency="EUR")  # type: ignore[arg-type]  # wire form
    assert viewed.properties()["price"] == "0.3"
    order = CATALOGUE["order_completed"].__touchpoint__
    assert revenue_of(order, {"revenue": 0.1 + 0.2, "currency": "EUR"}) == (Decimal("0.3"), "EUR")


def test_a_price_is_not_negative_and_a_till_receipt_may_be() -> None:
    with pytest.raises(ValidationError, match="must not be negative"):
        ProductViewed(product_id="p", price=Decimal(-1), currency="EUR")
    assert ReceiptIssued(receipt_id="r", store_id="s", total=Decimal("-5.00"), currency="EUR").total == Decimal(-5)


@pytest.mark.parametrize(
    ("currency", "hint"),
    [
        ("eur", "send EUR"),
        ("Eur ", "send EUR"),
        ("EURO", "three capitals"),
        ("XYZ", "ISO 4217"),
        ("", "ISO 4217"),
        (978, "ISO 4217"),
    ],
)
def test_a_wrong_currency_is_refused_with_a_hint(currency: object, hint: str) -> None:
    with pytest.raises(ValidationError, match=hint):
        ProductViewed(product_id="p", price=Decimal(1), currency=currency)  # type: ignore[arg-type]  # what is tested


def test_the_currencies_are_codes_of_three_capitals_and_hold_no_metal_fund_or_test_code() -> None:
    assert {"EUR", "USD", "GBP", "CHF", "JPY", "XOF", "CAD", "MAD"} <= CURRENCIES
    assert not {"XAU", "XXX", "XTS", "XDR", "CHE", "USN"} & CURRENCIES
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in CURRENCIES)
    assert 150 <= len(CURRENCIES) <= 165


def test_an_amount_without_a_currency_is_refused() -> None:
    with pytest.raises(ValidationError, match="price is money: send currency"):
        ProductViewed(product_id="p", price=Decimal(1))
    with pytest.raises(ValidationError, match="amount is money: send currency"):
        PaymentFailed(amount=Decimal(1))


def test_an_order_needs_revenue_or_total() -> None:
    with pytest.raises(ValidationError, match="revenue or total"):
        OrderCompleted(order_id="o", currency="EUR")


def test_revenue_is_the_declared_property_and_total_stands_in_for_it() -> None:
    order = CATALOGUE["order_completed"].__touchpoint__
    assert revenue_of(order, {"revenue": "10.5", "total": 12, "currency": "EUR"}) == (Decimal("10.5"), "EUR")
    assert revenue_of(order, {"total": 12, "currency": "EUR"}) == (Decimal(12), "EUR")
    assert revenue_of(order, {"revenue": None, "total": "12", "currency": "EUR"}) == (Decimal(12), "EUR")
    assert revenue_of(order, {"revenue": "1"}) is None
    viewed = CATALOGUE["product_viewed"].__touchpoint__
    assert revenue_of(viewed, {"price": "5", "currency": "EUR"}) is None
