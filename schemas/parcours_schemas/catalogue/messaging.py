"""Messages from the brand: e-mail, SMS, push, postal mail. Addresses stand in `ids`, never in the properties."""

from parcours_schemas.fields import Amount, Day, Reference, Text
from parcours_schemas.money import Priced
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint, Valence


class _Message(Touchpoint):
    """Properties of a message."""

    message_id: Reference | None = None
    campaign_id: Reference | None = None
    campaign_name: Text | None = None
    template_id: Reference | None = None


class EmailDelivered(_Message, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.EMAIL):
    """An e-mail reached the person's mailbox."""

    subject: Text | None = None


class EmailOpened(_Message, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.EMAIL):
    """Someone opened an e-mail, or their mail program did."""

    subject: Text | None = None


class EmailClicked(_Message, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.EMAIL):
    """Someone followed a link of an e-mail."""

    link_url: Text | None = None
    link_id: Reference | None = None


class EmailUnsubscribed(_Message, stage=Stage.LOYALTY, need=Need.BE_HEARD, channel=Channel.EMAIL, valence=Valence.PAIN):
    """Someone asked for no more e-mails."""

    list_id: Reference | None = None


class EmailMarkedAsSpam(_Message, stage=Stage.LOYALTY, need=Need.BE_HEARD, channel=Channel.EMAIL, valence=Valence.PAIN):
    """Someone reported an e-mail as unwanted."""


class SmsReceived(_Message, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.SMS):
    """An SMS reached the person."""

    store_id: Reference | None = None
    trigger: Text | None = None


class SmsClicked(_Message, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.SMS):
    """Someone followed the link of an SMS."""

    link_url: Text | None = None


class PushReceived(_Message, stage=Stage.LOYALTY, need=Need.INFORM, channel=Channel.PUSH):
    """A push notification reached the device."""

    title: Text | None = None


class PushOpened(_Message, stage=Stage.LOYALTY, need=Need.INFORM, channel=Channel.PUSH):
    """Someone opened a push notification."""

    title: Text | None = None
    link_url: Text | None = None


class MailReceived(Priced, stage=Stage.CONSIDERATION, need=Need.DECIDE, channel=Channel.MAIL, valence=Valence.DELIGHT):
    """A letter, a card or a catalogue came by post, with or without an offer."""

    mailing_id: Reference | None = None
    campaign_id: Reference | None = None
    campaign_name: Text | None = None
    format: Text | None = None
    coupon: Text | None = None
    offer: Text | None = None
    discount: Amount | None = None
    valid_until: Day | None = None


class MailResponded(Touchpoint, stage=Stage.CONSIDERATION, need=Need.DECIDE, channel=Channel.MAIL):
    """Someone answered postal mail: scanned its code, sent back its card."""

    mailing_id: Reference | None = None
    campaign_id: Reference | None = None
    response: Text | None = None
