"""The web site, beside products and checkout: pages, forms, media, errors."""

from parcours_schemas.fields import Count, Measure, Reference, Text
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint, Valence


class PageViewed(Touchpoint, stage=Stage.AWARENESS, need=Need.INFORM, channel=Channel.WEB):
    """Someone looked at a page. Its address belongs into the context; it may be repeated here."""

    name: Text | None = None
    category: Text | None = None
    path: Text | None = None
    title: Text | None = None
    url: Text | None = None
    referrer: Text | None = None
    search: Text | None = None


class ContentRead(Touchpoint, stage=Stage.AWARENESS, need=Need.BE_INSPIRED, channel=Channel.WEB):
    """Someone read an article, a guide or a story to a good part."""

    content_id: Reference
    title: Text | None = None
    category: Text | None = None
    read_percent: Count | None = None


class VideoPlayed(Touchpoint, stage=Stage.AWARENESS, need=Need.BE_INSPIRED, channel=Channel.WEB):
    """Someone watched a video."""

    video_id: Reference
    title: Text | None = None
    watched_seconds: Measure | None = None
    length_seconds: Measure | None = None


class FormSubmitted(Touchpoint, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.WEB):
    """Someone sent a form. What was written into it does not belong here."""

    form_id: Reference
    form_name: Text | None = None


class StoreLocatorUsed(Touchpoint, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.WEB):
    """Someone looked for a store near them."""

    store_id: Reference | None = None
    results_count: Count | None = None


class ErrorEncountered(Touchpoint, stage=Stage.USE, need=Need.GET_HELP, channel=Channel.WEB, valence=Valence.PAIN):
    """Someone was shown an error."""

    code: Text | None = None
    message: Text | None = None
    path: Text | None = None
