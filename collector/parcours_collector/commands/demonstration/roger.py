"""The told journey: Roger, a television, five channels and three devices, in the order in which he lived it.

He looks at a television on the metro (phone), is shown an advertisement at the office (office computer), gets an SMS
when he walks into the shopping centre (his phone number), finds a voucher in his letter box two days later (his file in
the CRM), and orders at home (home computer). Nothing of the first four contacts says that they are the same man: only
when he orders, and then opens the confirmation on his other devices, do the identifiers meet.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from parcours_collector.commands.demonstration.moment import Moment
from parcours_schemas.catalogue import CATALOGUE

ACCOUNT = "roger"
_TELEVISION = {
    "product_id": "tv-55-oled",
    "name": "55-inch OLED television",
    "category": "televisions",
    "currency": "EUR",
}
_PHONE = {"anonymous_id": "roger-phone-browser"}
_OFFICE = {"anonymous_id": "roger-office-browser"}
_HOME = {"anonymous_id": "roger-home-browser"}
_EMAIL = "roger@example.com"
_NUMBER = "+33600000001"


def tell(monday: datetime) -> Iterator[Moment]:
    """Return Roger's week; `monday` is the aware UTC midnight at which it starts."""

    def at(days: int, hours: int, minutes: int) -> datetime:
        return monday + timedelta(days=days, hours=hours, minutes=minutes)

    def moment(source: str, when: datetime, name: str, ids: dict[str, str], /, **properties: object) -> Moment:
        return Moment(source, when, CATALOGUE[name].model_validate(properties), ids, channel=_channel(source, name))

    price = {**_TELEVISION, "price": Decimal("1199.00")}
    yield moment("shop-web", at(0, 7, 41), "product_viewed", _PHONE, **price)
    yield moment("shop-web", at(0, 7, 43), "product_viewed", _PHONE, **price)
    yield moment(
        "ads",
        at(0, 9, 12),
        "ad_impression",
        _OFFICE,
        network="linkedin",
        campaign_name="Book a demonstration",
        product_id="tv-55-oled",
        retargeting=True,
    )
    yield moment(
        "messaging",
        at(0, 12, 32),
        "sms_received",
        {"phone": _NUMBER},
        campaign_name="Your slot today",
        trigger="geofence",
        store_id="la-defense",
    )
    yield moment(
        "crm",
        at(2, 17, 30),
        "mail_received",
        {"crm_contact": "crm-88123"},
        campaign_name="Televisions this week",
        coupon="TV-150",
        discount=Decimal("150.00"),
        currency="EUR",
    )
    yield moment("shop-web", at(2, 20, 4), "product_viewed", _HOME, **price)
    yield moment("shop-web", at(2, 20, 9), "product_added", _HOME, **price, quantity=1)
    yield moment(
        "shop-web",
        at(2, 20, 11),
        "coupon_applied",
        _HOME,
        coupon_name="TV-150",
        discount=Decimal("150.00"),
        currency="EUR",
    )
    yield moment(
        "shop-web", at(2, 20, 13), "identified", {**_HOME, "user_id": ACCOUNT, "email": _EMAIL, "phone": _NUMBER}
    )
    yield moment(
        "shop-web",
        at(2, 20, 16),
        "order_completed",
        {**_HOME, "user_id": ACCOUNT},
        order_id="R-1001",
        total=Decimal("1049.00"),
        revenue=Decimal("1049.00"),
        currency="EUR",
        coupon="TV-150",
    )
    yield moment("crm", at(2, 20, 20), "identified", {"crm_contact": "crm-88123", "email": _EMAIL})
    yield moment("shop-web", at(3, 7, 45), "page_viewed", {**_PHONE, "user_id": ACCOUNT}, title="Your order R-1001")
    yield moment("shop-web", at(3, 9, 30), "page_viewed", {**_OFFICE, "user_id": ACCOUNT}, title="Your order R-1001")
    yield moment("shop-web", at(5, 10, 0), "order_delivered", {"user_id": ACCOUNT}, order_id="R-1001")


def _channel(source: str, name: str) -> str | None:
    """What the CRM knows of somebody is no contact on the site, where `identified` usually happens."""
    return "crm" if source == "crm" and name == "identified" else None
