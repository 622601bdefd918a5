"""People speak of the brand: recommendations, reviews, referrals."""

from typing import Annotated

from pydantic import Field

from parcours_schemas.fields import Count, Flag, Reference, Text
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint, Valence


class RecommendationScored(Touchpoint, stage=Stage.ADVOCACY, need=Need.BE_HEARD, channel=Channel.ADVOCACY):
    """Someone said how likely they are to recommend the brand: 0 to 10, as for the net promoter score."""

    score: Annotated[int, Field(strict=True, ge=0, le=10)]
    survey_id: Reference | None = None


class ReviewRead(Touchpoint, stage=Stage.CONSIDERATION, need=Need.DECIDE, channel=Channel.ADVOCACY):
    """Someone read what others say."""

    product_id: Reference | None = None
    site: Text | None = None
    reviews_count: Count | None = None


class ReviewPosted(
    Touchpoint, stage=Stage.ADVOCACY, need=Need.SHARE, channel=Channel.ADVOCACY, valence=Valence.DELIGHT
):
    """Someone rated a product, a store or the brand, 1 to 5. What they wrote stays where they wrote it."""

    rating: Annotated[int, Field(strict=True, ge=1, le=5)]
    review_id: Reference | None = None
    product_id: Reference | None = None
    store_id: Reference | None = None
    order_id: Reference | None = None
    site: Text | None = None
    verified: Flag | None = None


class ReferralSent(
    Touchpoint, stage=Stage.ADVOCACY, need=Need.SHARE, channel=Channel.ADVOCACY, valence=Valence.DELIGHT
):
    """Someone invited somebody else."""

    referral_code: Reference
    method: Text | None = None
    invited_count: Count | None = None


class ReferralAccepted(
    Touchpoint, stage=Stage.AWARENESS, need=Need.BE_INSPIRED, channel=Channel.ADVOCACY, valence=Valence.DELIGHT
):
    """Someone came because somebody invited them."""

    referral_code: Reference
