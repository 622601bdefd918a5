"""From the cart to the order, and what follows an order. Names follow Segment's e-commerce specification."""

from typing import Self

from pydantic import ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from parcours_schemas.catalogue.products import OneProduct, Products
from parcours_schemas.fields import Amount, Count, Currency, Reference, Text
from parcours_schemas.money import Priced
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint, Valence


class ProductAdded(OneProduct, stage=Stage.PURCHASE, need=Need.BUY, channel=Channel.WEB):
    """Someone put a product into the cart."""

    cart_id: Reference | None = None


class ProductRemoved(OneProduct, stage=Stage.PURCHASE, need=Need.DECIDE, channel=Channel.WEB):
    """Someone took a product out of the cart."""

    cart_id: Reference | None = None


class CartViewed(Priced, stage=Stage.PURCHASE, need=Need.BUY, channel=Channel.WEB):
    """Someone looked at the cart."""

    cart_id: Reference | None = None
    value: Amount | None = None
    products: Products | None = None


class _Order(Priced):
    """Properties of an order, placed or about to be."""

    affiliation: Text | None = None
    value: Amount | None = None
    revenue: Amount | None = None
    total: Amount | None = None
    subtotal: Amount | None = None
    shipping: Amount | None = None
    tax: Amount | None = None
    discount: Amount | None = None
    coupon: Text | None = None
    products: Products | None = None


class CheckoutStarted(_Order, stage=Stage.PURCHASE, need=Need.BUY, channel=Channel.WEB):
    """Someone began to check out."""

    order_id: Reference | None = None


class _CheckoutStep(Touchpoint):
    """Properties of a step of the checkout."""

    checkout_id: Reference | None = None
    step: Count | None = None
    step_name: Text | None = None
    shipping_method: Text | None = None
    payment_method: Text | None = None


class CheckoutStepViewed(_CheckoutStep, stage=Stage.PURCHASE, need=Need.BUY, channel=Channel.WEB):
    """Someone came to a step of the checkout, e.g. the delivery address."""


class CheckoutStepCompleted(_CheckoutStep, stage=Stage.PURCHASE, need=Need.BUY, channel=Channel.WEB):
    """Someone finished a step of the checkout."""


class PaymentInfoEntered(_CheckoutStep, stage=Stage.PURCHASE, need=Need.BUY, channel=Channel.WEB):
    """Someone gave the means of payment."""

    order_id: Reference | None = None


class PaymentFailed(Priced, stage=Stage.PURCHASE, need=Need.BUY, channel=Channel.WEB, valence=Valence.PAIN):
    """A payment did not go through."""

    order_id: Reference | None = None
    checkout_id: Reference | None = None
    payment_method: Text | None = None
    amount: Amount | None = None
    reason: Text | None = None


class OrderCompleted(
    _Order,
    stage=Stage.PURCHASE,
    need=Need.BUY,
    channel=Channel.WEB,
    valence=Valence.DELIGHT,
    conversion=True,
    revenue_property="revenue",
):
    """Someone bought. `revenue` is what counts as revenue; where it is left out, `total` does."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["revenue"]}, {"required": ["total"]}]})

    order_id: Reference
    checkout_id: Reference | None = None
    currency: Currency

    @model_validator(mode="after")
    def _money_is_given(self) -> Self:
        if self.revenue is None and self.total is None:
            raise PydanticCustomError(
                "revenue_missing", "an order needs revenue or total: send one of them", {"property": "revenue"}
            )
        return self


class OrderCancelled(_Order, stage=Stage.USE, need=Need.DECIDE, channel=Channel.WEB, valence=Valence.PAIN):
    """An order was cancelled before it was delivered."""

    order_id: Reference
    reason: Text | None = None


class OrderRefunded(_Order, stage=Stage.USE, need=Need.GET_HELP, channel=Channel.WEB):
    """Money of an order was given back: `total` says how much."""

    order_id: Reference
    reason: Text | None = None


class OrderShipped(Touchpoint, stage=Stage.USE, need=Need.RECEIVE, channel=Channel.WEB):
    """An order left the warehouse."""

    order_id: Reference
    carrier: Text | None = None
    tracking_number: Text | None = None


class OrderDelivered(Touchpoint, stage=Stage.USE, need=Need.RECEIVE, channel=Channel.WEB, valence=Valence.DELIGHT):
    """An order reached the person."""

    order_id: Reference
    carrier: Text | None = None


class _Coupon(Priced):
    """Properties of a coupon in the cart."""

    order_id: Reference | None = None
    cart_id: Reference | None = None
    coupon_id: Reference | None = None
    coupon_name: Text | None = None
    discount: Amount | None = None


class CouponApplied(_Coupon, stage=Stage.PURCHASE, need=Need.BE_REWARDED, channel=Channel.WEB, valence=Valence.DELIGHT):
    """A coupon lowered the price of the cart."""


class CouponDenied(_Coupon, stage=Stage.PURCHASE, need=Need.BE_REWARDED, channel=Channel.WEB, valence=Valence.PAIN):
    """A coupon was refused."""

    reason: Text | None = None


class CouponRemoved(_Coupon, stage=Stage.PURCHASE, need=Need.DECIDE, channel=Channel.WEB):
    """A coupon was taken back out of the cart."""
