"""The person and the brand get to know each other: identification, accounts, subscriptions to news, choices."""

from parcours_schemas.fields import Flag, Reference, Text
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint, Valence


class Identified(Touchpoint, stage=Stage.CONSIDERATION, need=Need.BE_RECOGNISED, channel=Channel.WEB):
    """Identifiers were found to be one person's: what `identify` sends. The identifiers stand in `ids`."""

    method: Text | None = None


class SignedUp(Touchpoint, stage=Stage.CONSIDERATION, need=Need.BE_RECOGNISED, channel=Channel.WEB):
    """Someone made an account."""

    method: Text | None = None


class SignedIn(Touchpoint, stage=Stage.USE, need=Need.BE_RECOGNISED, channel=Channel.WEB):
    """Someone signed in to an account."""

    method: Text | None = None


class ConsentGiven(Touchpoint, stage=Stage.AWARENESS, need=Need.BE_RECOGNISED, channel=Channel.WEB):
    """Someone chose what may be done with their data; the choice stands in `consent`."""

    policy_version: Text | None = None
    through_banner: Flag | None = None


class NewsletterSubscribed(
    Touchpoint, stage=Stage.CONSIDERATION, need=Need.BE_INSPIRED, channel=Channel.WEB, valence=Valence.DELIGHT
):
    """Someone asked for news."""

    list_id: Reference | None = None
    list_name: Text | None = None
