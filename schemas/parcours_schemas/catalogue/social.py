"""Social networks, beside the advertisements bought there."""

from parcours_schemas.fields import Measure, Reference, Text
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint, Valence


class _Post(Touchpoint):
    """Properties of a post on a network, e.g. `instagram`."""

    network: Text
    post_id: Reference | None = None
    account: Text | None = None
    topic: Text | None = None


class SocialPostViewed(_Post, stage=Stage.AWARENESS, need=Need.BE_INSPIRED, channel=Channel.SOCIAL):
    """Someone saw a post of the brand or about it."""

    viewed_seconds: Measure | None = None


class SocialPostEngaged(_Post, stage=Stage.CONSIDERATION, need=Need.BELONG, channel=Channel.SOCIAL):
    """Someone liked, kept or commented a post."""

    engagement: Text


class SocialLinkClicked(_Post, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.SOCIAL):
    """Someone followed a link of a post or a profile."""

    link_url: Text | None = None


class SocialAccountFollowed(
    Touchpoint, stage=Stage.LOYALTY, need=Need.BELONG, channel=Channel.SOCIAL, valence=Valence.DELIGHT
):
    """Someone began to follow the brand."""

    network: Text
    account: Text | None = None


class SocialMessageSent(Touchpoint, stage=Stage.USE, need=Need.GET_HELP, channel=Channel.SOCIAL):
    """Someone wrote to the brand on a network. What they wrote does not belong here."""

    network: Text
    conversation_id: Reference | None = None
    topic: Text | None = None


class SocialPostShared(_Post, stage=Stage.ADVOCACY, need=Need.SHARE, channel=Channel.SOCIAL, valence=Valence.DELIGHT):
    """Someone passed on a post, or posted about the brand."""
