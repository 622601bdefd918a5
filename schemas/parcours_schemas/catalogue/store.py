"""The store: near it, in it, at its till, and between it and the site."""

from parcours_schemas.catalogue.products import Products
from parcours_schemas.fields import Amount, Count, Currency, Flag, Measure, Moment, Reference, SignedAmount, Text
from parcours_schemas.money import Priced
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint, Valence


class GeofenceEntered(Touchpoint, stage=Stage.AWARENESS, need=Need.BE_INSPIRED, channel=Channel.STORE):
    """Someone came near a store with a device that says so."""

    geofence_id: Reference
    store_id: Reference | None = None
    radius_metres: Measure | None = None


class StoreVisited(Touchpoint, stage=Stage.CONSIDERATION, need=Need.COMPARE, channel=Channel.STORE):
    """Someone was in a store."""

    store_id: Reference
    store_name: Text | None = None
    duration_seconds: Measure | None = None
    detected_by: Text | None = None


class ProductTried(Touchpoint, stage=Stage.CONSIDERATION, need=Need.DECIDE, channel=Channel.STORE):
    """Someone tried a product on or out."""

    product_id: Reference
    store_id: Reference | None = None
    assisted: Flag | None = None


class _Appointment(Touchpoint):
    """Properties of an appointment."""

    appointment_id: Reference
    store_id: Reference | None = None
    purpose: Text | None = None
    starts_at: Moment | None = None


class AppointmentBooked(_Appointment, stage=Stage.CONSIDERATION, need=Need.DECIDE, channel=Channel.STORE):
    """Someone booked an appointment, e.g. a demonstration."""


class AppointmentKept(
    _Appointment, stage=Stage.CONSIDERATION, need=Need.DECIDE, channel=Channel.STORE, valence=Valence.DELIGHT
):
    """Someone came to their appointment."""

    duration_seconds: Measure | None = None


class AppointmentMissed(
    _Appointment, stage=Stage.CONSIDERATION, need=Need.DECIDE, channel=Channel.STORE, valence=Valence.PAIN
):
    """Someone did not come to their appointment."""


class _ClickAndCollect(Priced):
    """Properties of an order that is picked up in a store."""

    order_id: Reference
    store_id: Reference
    total: Amount | None = None
    products: Products | None = None


class ClickAndCollectReserved(_ClickAndCollect, stage=Stage.PURCHASE, need=Need.RECEIVE, channel=Channel.WEB):
    """Someone chose on the site to pick products up in a store."""

    pickup_at: Moment | None = None


class ClickAndCollectReady(_ClickAndCollect, stage=Stage.PURCHASE, need=Need.RECEIVE, channel=Channel.STORE):
    """An order waits in the store."""


class ClickAndCollectPickedUp(
    _ClickAndCollect, stage=Stage.USE, need=Need.RECEIVE, channel=Channel.STORE, valence=Valence.DELIGHT
):
    """Someone picked their order up."""

    waited_seconds: Measure | None = None


class ReceiptIssued(
    Priced,
    stage=Stage.PURCHASE,
    need=Need.BUY,
    channel=Channel.STORE,
    conversion=True,
    revenue_property="total",
):
    """Someone paid at a till. `total` is what they paid; negative when returns outweigh it."""

    receipt_id: Reference
    store_id: Reference
    total: SignedAmount
    currency: Currency
    till_id: Reference | None = None
    tax: SignedAmount | None = None
    discount: Amount | None = None
    payment_method: Text | None = None
    items_count: Count | None = None
    products: Products | None = None


class CouponRedeemed(
    Priced, stage=Stage.PURCHASE, need=Need.BE_REWARDED, channel=Channel.STORE, valence=Valence.DELIGHT
):
    """Someone used a coupon at a till."""

    coupon: Text
    store_id: Reference | None = None
    receipt_id: Reference | None = None
    discount: Amount | None = None


class LoyaltyCardScanned(Touchpoint, stage=Stage.LOYALTY, need=Need.BE_RECOGNISED, channel=Channel.STORE):
    """Someone showed their loyalty card; its number stands in `ids` as `loyalty_card`."""

    store_id: Reference | None = None
    receipt_id: Reference | None = None
    till_id: Reference | None = None
