"""What a class declares, and how it goes on the wire."""

from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import pytest
from pydantic import ValidationError

from parcours_schemas.catalogue import AppointmentBooked, MailReceived, OrderCompleted, ProductViewed
from parcours_schemas.catalogue.products import Product
from parcours_schemas.fields import Amount, Currency
from parcours_schemas.touchpoint import Channel, Declaration, Need, Stage, Touchpoint, Valence


def test_the_class_keywords_become_the_declaration_and_the_name_is_the_class_name_in_snake_case() -> None:
    class TestDriveTaken(
        Touchpoint, stage=Stage.CONSIDERATION, need=Need.DECIDE, channel=Channel.STORE, valence=Valence.DELIGHT
    ):
        model: str

    assert TestDriveTaken.__touchpoint__ == Declaration(
        "test_drive_taken",
        "store",
        "consideration",
        "decide",
        "delight",
        "1-0-0",
        conversion=False,
        revenue_property=None,
    )


def test_a_property_may_be_called_name_like_the_declared_name() -> None:
    touchpoint = ProductViewed(product_id="tv-55", name="Television")
    assert touchpoint.name == "Television"
    assert touchpoint.__touchpoint__.name == "product_viewed"


def test_a_declaration_that_is_incomplete_or_wrong_fails_at_the_definition() -> None:
    with pytest.raises(TypeError, match="must declare stage, need and channel"):
        type("Half", (Touchpoint,), {}, stage=Stage.USE)
    with pytest.raises(TypeError, match="snake_case"):
        type("Named", (Touchpoint,), {}, stage=Stage.USE, need=Need.USE, channel=Channel.APP, name="Not Snake")
    with pytest.raises(ValueError, match="MODEL-REVISION-ADDITION"):
        type("Versioned", (Touchpoint,), {}, stage=Stage.USE, need=Need.USE, channel=Channel.APP, version="1.0")
    with pytest.raises(TypeError, match="revenue_property 'total' is not one of its properties"):
        type("Paid", (Touchpoint,), {}, stage=Stage.USE, need=Need.USE, channel=Channel.APP, revenue_property="total")


def test_a_class_without_keywords_shares_properties_and_declares_nothing() -> None:
    class WithStore(Touchpoint):
        store_id: str

    assert not hasattr(WithStore, "__touchpoint__")


def test_a_touchpoint_cannot_be_changed() -> None:
    touchpoint = ProductViewed(product_id="tv-55")
    with pytest.raises(ValidationError):
        touchpoint.product_id = "tv-65"  # type: ignore[misc]  # what the test is about


def test_a_typed_touchpoint_refuses_a_property_it_does_not_have() -> None:
    with pytest.raises(ValidationError, match="colour"):
        ProductViewed(product_id="tv-55", colour="black")  # type: ignore[call-arg]  # what the test is about


def test_properties_are_json_values_with_decimals_as_strings_and_none_left_out() -> None:
    order = OrderCompleted(
        order_id="o-1",
        total=Decimal("799.00"),
        currency="EUR",
        products=[Product(product_id="tv-55", price=Decimal("799.00"), quantity=1)],
    )
    properties = order.properties()
    assert properties == {
        "order_id": "o-1",
        "total": "799.00",
        "currency": "EUR",
        "products": [{"product_id": "tv-55", "price": "799.00", "quantity": 1}],
    }
    assert orjson.loads(orjson.dumps(properties)) == properties


def test_times_and_days_go_on_the_wire_as_rfc_3339() -> None:
    booked = AppointmentBooked(appointment_id="a-1", starts_at=datetime(2026, 11, 23, 12, 30, tzinfo=UTC))
    assert booked.properties()["starts_at"] == "2026-11-23T12:30:00Z"
    letter = MailReceived(coupon="TV50", valid_until=date(2026, 12, 1))
    assert letter.properties()["valid_until"] == "2026-12-01"


@pytest.mark.parametrize("starts_at", [1_700_000_000, "1700000000", "2026-11-23", "2026-11-23T12:30:00", "soon"])
def test_a_time_without_an_offset_or_in_another_notation_is_refused(starts_at: object) -> None:
    with pytest.raises(ValidationError, match="RFC 3339"):
        AppointmentBooked(appointment_id="a-1", starts_at=starts_at)  # type: ignore[arg-type]  # what the test is about


def test_a_team_may_price_its_own_touchpoints_in_the_same_way() -> None:
    class ShowroomSold(
        Touchpoint,
        stage=Stage.PURCHASE,
        need=Need.BUY,
        channel=Channel.STORE,
        conversion=True,
        revenue_property="price",
    ):
        price: Amount
        currency: Currency

    sold = ShowroomSold(price=Decimal("12.5"), currency="CHF")
    assert sold.properties() == {"price": "12.5", "currency": "CHF"}
