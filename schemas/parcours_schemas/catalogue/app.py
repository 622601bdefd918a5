"""The mobile app: from its installation to its daily use."""

from parcours_schemas.fields import Count, Flag, Measure, Reference, Text
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint, Valence


class _AppVersion(Touchpoint):
    """Which app."""

    version: Text | None = None
    build: Text | None = None


class AppInstalled(_AppVersion, stage=Stage.CONSIDERATION, need=Need.USE, channel=Channel.APP):
    """Someone opened the app for the first time."""


class AppOpened(_AppVersion, stage=Stage.USE, need=Need.USE, channel=Channel.APP):
    """Someone opened the app."""

    from_background: Flag | None = None
    url: Text | None = None


class AppUpdated(_AppVersion, stage=Stage.USE, need=Need.USE, channel=Channel.APP):
    """Someone opened a newer version for the first time."""

    previous_version: Text | None = None


class AppCrashed(_AppVersion, stage=Stage.USE, need=Need.GET_HELP, channel=Channel.APP, valence=Valence.PAIN):
    """The app ended by itself."""

    reason: Text | None = None


class ScreenViewed(Touchpoint, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.APP):
    """Someone looked at a screen of the app."""

    name: Text
    category: Text | None = None


class OnboardingCompleted(Touchpoint, stage=Stage.USE, need=Need.USE, channel=Channel.APP, valence=Valence.DELIGHT):
    """Someone finished the first steps with the app or the product."""

    steps_count: Count | None = None
    duration_seconds: Measure | None = None


class FeatureUsed(Touchpoint, stage=Stage.USE, need=Need.USE, channel=Channel.APP):
    """Someone used a feature of the app or the product."""

    feature_id: Reference
    feature_name: Text | None = None
