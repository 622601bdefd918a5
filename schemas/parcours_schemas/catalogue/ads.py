"""Paid advertising on any network: shown, followed, converted elsewhere."""

from parcours_schemas.fields import Amount, Flag, Measure, Reference, Text
from parcours_schemas.money import Priced
from parcours_schemas.touchpoint import Channel, Need, Stage, Valence


class _Ad(Priced):
    """Properties of an advertisement; `cost` is what this contact cost the brand."""

    network: Text
    campaign_id: Reference | None = None
    campaign_name: Text | None = None
    ad_group_id: Reference | None = None
    ad_id: Reference | None = None
    creative: Text | None = None
    placement: Text | None = None
    product_id: Reference | None = None
    retargeting: Flag | None = None
    cost: Amount | None = None


class AdImpression(_Ad, stage=Stage.AWARENESS, need=Need.BE_INSPIRED, channel=Channel.ADS):
    """An advertisement was shown, e.g. network `linkedin`."""

    viewed_seconds: Measure | None = None


class AdClicked(_Ad, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.ADS):
    """Someone followed an advertisement."""

    click_id: Reference | None = None
    destination_url: Text | None = None


class AdDismissed(_Ad, stage=Stage.AWARENESS, need=Need.BE_HEARD, channel=Channel.ADS, valence=Valence.PAIN):
    """Someone closed an advertisement, or asked not to see it again."""

    reason: Text | None = None
