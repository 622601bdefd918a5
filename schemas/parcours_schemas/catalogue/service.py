"""After-sales service: questions, tickets, returns, and what people say about the effort it took."""

from typing import Annotated

from pydantic import Field

from parcours_schemas.catalogue.products import Products
from parcours_schemas.fields import Amount, Count, Flag, Measure, Reference, Text
from parcours_schemas.money import Priced
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint, Valence


class HelpArticleViewed(Touchpoint, stage=Stage.USE, need=Need.GET_HELP, channel=Channel.WEB):
    """Someone read help."""

    article_id: Reference
    title: Text | None = None
    helpful: Flag | None = None


class ChatStarted(Touchpoint, stage=Stage.USE, need=Need.GET_HELP, channel=Channel.SERVICE):
    """Someone began to chat with a person or a program of the brand."""

    chat_id: Reference | None = None
    topic: Text | None = None
    automated: Flag | None = None


class _Ticket(Touchpoint):
    """Properties of a request to the service."""

    ticket_id: Reference
    topic: Text | None = None
    priority: Text | None = None
    order_id: Reference | None = None


class TicketOpened(_Ticket, stage=Stage.USE, need=Need.GET_HELP, channel=Channel.SERVICE, valence=Valence.PAIN):
    """Someone asked the service for help."""


class TicketReopened(_Ticket, stage=Stage.USE, need=Need.GET_HELP, channel=Channel.SERVICE, valence=Valence.PAIN):
    """A problem that seemed solved was not."""


class TicketResolved(_Ticket, stage=Stage.USE, need=Need.GET_HELP, channel=Channel.SERVICE, valence=Valence.DELIGHT):
    """A problem was solved."""

    resolution_seconds: Measure | None = None
    contacts_count: Count | None = None


class _Return(Priced):
    """Properties of a return."""

    return_id: Reference
    order_id: Reference | None = None
    store_id: Reference | None = None
    reason: Text | None = None
    total: Amount | None = None
    products: Products | None = None


class ReturnRequested(_Return, stage=Stage.USE, need=Need.GET_HELP, channel=Channel.SERVICE, valence=Valence.PAIN):
    """Someone wants to give something back."""


class ReturnReceived(_Return, stage=Stage.USE, need=Need.GET_HELP, channel=Channel.SERVICE):
    """What someone gave back arrived."""


class _Answer(Touchpoint):
    """Properties of an answer to a question of the brand."""

    survey_id: Reference | None = None
    about: Text | None = None
    ticket_id: Reference | None = None
    order_id: Reference | None = None


class EffortScored(_Answer, stage=Stage.USE, need=Need.BE_HEARD, channel=Channel.SERVICE):
    """Someone said how easy it was: the customer effort score, 1 (very hard) to 7 (very easy)."""

    score: Annotated[int, Field(strict=True, ge=1, le=7)]


class SatisfactionScored(_Answer, stage=Stage.USE, need=Need.BE_HEARD, channel=Channel.SERVICE):
    """Someone said how satisfied they were, 1 (not at all) to 5 (fully)."""

    score: Annotated[int, Field(strict=True, ge=1, le=5)]
