"""Coming back: programmes, points, rewards, subscriptions."""

from parcours_schemas.fields import Amount, Count, Currency, Reference, Text
from parcours_schemas.money import Priced
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint, Valence


class LoyaltyProgramJoined(
    Touchpoint, stage=Stage.LOYALTY, need=Need.BE_REWARDED, channel=Channel.STORE, valence=Valence.DELIGHT
):
    """Someone joined the loyalty programme; the card's number stands in `ids` as `loyalty_card`."""

    program_id: Reference | None = None
    tier: Text | None = None
    store_id: Reference | None = None


class PointsEarned(Touchpoint, stage=Stage.LOYALTY, need=Need.BE_REWARDED, channel=Channel.STORE):
    """Someone gained points."""

    points: Count
    balance: Count | None = None
    order_id: Reference | None = None
    receipt_id: Reference | None = None


class RewardRedeemed(
    Priced, stage=Stage.LOYALTY, need=Need.BE_REWARDED, channel=Channel.STORE, valence=Valence.DELIGHT
):
    """Someone turned points into something."""

    reward_id: Reference
    reward_name: Text | None = None
    points: Count | None = None
    value: Amount | None = None


class _Subscription(Priced):
    """Properties of a subscription."""

    subscription_id: Reference
    plan: Text | None = None
    period_months: Count | None = None


class SubscriptionStarted(
    _Subscription,
    stage=Stage.PURCHASE,
    need=Need.BUY,
    channel=Channel.WEB,
    valence=Valence.DELIGHT,
    conversion=True,
    revenue_property="total",
):
    """Someone subscribed. `total` is the price of the first period."""

    total: Amount
    currency: Currency


class SubscriptionRenewed(
    _Subscription,
    stage=Stage.LOYALTY,
    need=Need.USE,
    channel=Channel.WEB,
    conversion=True,
    revenue_property="total",
):
    """A subscription went on. `total` is the price of the new period."""

    total: Amount
    currency: Currency


class SubscriptionCancelled(
    _Subscription, stage=Stage.LOYALTY, need=Need.BE_HEARD, channel=Channel.WEB, valence=Valence.PAIN
):
    """Someone ended a subscription."""

    reason: Text | None = None
