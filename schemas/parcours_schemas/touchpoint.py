"""What a touchpoint is: its typed properties, and a declaration of where it stands in a journey.

A touchpoint of the catalogue, or of a team's own code, is a subclass of `Touchpoint`; what it declares is given as
class keywords, so that no property can clash with it (`name` is a property in e-commerce). This module knows
neither the envelope nor any touchpoint in particular.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from parcours_schemas.versions import SchemaVer

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", re.ASCII)
"""The form of every name on the wire: touchpoints, channels, kinds of identifier."""


class Stage(StrEnum):
    """Where in the relation a touchpoint usually stands. People move both ways."""

    AWARENESS = "awareness"
    CONSIDERATION = "consideration"
    PURCHASE = "purchase"
    USE = "use"
    LOYALTY = "loyalty"
    ADVOCACY = "advocacy"


class Need(StrEnum):
    """The problem of the person that a touchpoint answers: what a node of the network is for."""

    BE_INSPIRED = "be_inspired"
    """Find ideas, without a product in mind."""
    INFORM = "inform"
    """Get a quick answer: what is it, is it there, what does it cost."""
    COMPARE = "compare"
    """Look into it thoroughly, beside others."""
    DECIDE = "decide"
    """Be reassured and make up one's mind: a demonstration, a quote, an offer."""
    BUY = "buy"
    """Pay, without effort."""
    RECEIVE = "receive"
    """Get what was bought, in hand or at home."""
    USE = "use"
    """Get the good of what was bought."""
    GET_HELP = "get_help"
    """Have a problem solved."""
    BE_HEARD = "be_heard"
    """Say what was good and what was not."""
    BE_RECOGNISED = "be_recognised"
    """Be known as the same person, with one's history, rights and choices."""
    BE_REWARDED = "be_rewarded"
    """Gain something from coming back."""
    BELONG = "belong"
    """Be part of something; follow."""
    SHARE = "share"
    """Pass it on to others."""


class Valence(StrEnum):
    """How the contact usually feels to the person."""

    PAIN = "pain"
    NEUTRAL = "neutral"
    DELIGHT = "delight"


class Channel(StrEnum):
    """The channels of the catalogue. On the wire any snake_case channel is accepted: a team may have others."""

    WEB = "web"
    APP = "app"
    ADS = "ads"
    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    MAIL = "mail"
    """Postal mail."""
    SOCIAL = "social"
    SEARCH = "search"
    STORE = "store"
    CRM = "crm"
    CALL = "call"
    SERVICE = "service"
    ADVOCACY = "advocacy"
    """Reviews and referrals, wherever they are made."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a kind of touchpoint declares about itself.

    Attributes:
        name: snake_case, past tense; unique.
        channel: taken when an event names none.
        stage: of the journey.
        need: the problem of the person that it answers.
        valence: how it usually feels.
        version: `MODEL-REVISION-ADDITION`.
        conversion: whether it ends a journey as converted, by default.
        revenue_property: the property that holds the money it brought, or None.
    """

    name: str
    channel: str
    stage: str
    need: str
    valence: str
    version: str
    conversion: bool
    revenue_property: str | None


class Touchpoint(BaseModel):
    """One contact between a person and a brand, as its typed properties; immutable.

    Subclasses declare with class keywords; `name` is the class name in snake_case unless given:

        class ShowroomVisited(Touchpoint, stage=Stage.CONSIDERATION, need=Need.COMPARE, channel=Channel.STORE):
            showroom_id: str

    A `datetime` must be aware, and a `Decimal` is written in digits without an exponent; a model of your own inside
    keeps pydantic's forms.

    A subclass that gives no keyword declares nothing: it carries properties for others to share.

    Raises:
        TypeError: at the definition of a subclass whose declaration is incomplete or wrong.
        pydantic.ValidationError: at construction, when a property is missing, unknown or wrong; its text holds no
            value.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        defer_build=True,  # compiled at first use: 110 classes are quick to import
    )

    __touchpoint__: ClassVar[Declaration]

    def __init_subclass__(
        cls,
        *,
        stage: str | None = None,
        need: str | None = None,
        channel: str | None = None,
        valence: str = Valence.NEUTRAL,
        version: str = "1-0-0",
        conversion: bool = False,
        revenue_property: str | None = None,
        name: str | None = None,
        **config: Any,
    ) -> None:
        """Read the class keywords into `__touchpoint__`."""
        super().__init_subclass__(**config)
        if stage is None and need is None and channel is None:
            return
        if stage is None or need is None or channel is None:
            raise TypeError(f"{cls.__name__} must declare stage, need and channel as class keywords")
        name = name or _WORD_START.sub("_", cls.__name__).lower()
        for what, text in (("name", name), ("channel", channel), ("stage", stage), ("need", need)):
            if SNAKE_CASE.fullmatch(text) is None:
                raise TypeError(f"{cls.__name__}: the {what} must be snake_case, e.g. product_viewed")
        SchemaVer.parse(version)
        cls.__touchpoint__ = Declaration(
            name, str(channel), str(stage), str(need), str(Valence(valence)), version, conversion, revenue_property
        )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Hold every property to the forms of the wire: times aware, decimals without an exponent."""
        schema: CoreSchema = _held_to_forms(handler(source))
        return schema

    @classmethod
    def __pydantic_init_subclass__(cls, **declared: Any) -> None:
        """Check the declaration against the properties, which are known only now."""
        revenue_property = declared.get("revenue_property")
        named = {field.serialization_alias or name for name, field in cls.model_fields.items()}
        if revenue_property is not None and revenue_property not in named:
            raise TypeError(f"{cls.__name__}: its revenue_property {revenue_property!r} is not one of its properties")

    def properties(self) -> dict[str, Any]:
        """The properties as they go on the wire: JSON values; decimals are strings, times RFC 3339, None left out."""
        return self.model_dump(mode="json", exclude_none=True)


def _held_to_forms(node: Any) -> Any:
    """A copy of a schema with our forms where a type's own would be others."""
    if isinstance(node, list):
        return [_held_to_forms(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    held = {key: _held_to_forms(inner) for key, inner in node.items()}
    match held.get("type"):
        case "datetime":
            held.setdefault("tz_constraint", "aware")
        case "decimal":
            held.setdefault("serialization", _WITHOUT_EXPONENT)
    return held


_WITHOUT_EXPONENT = core_schema.plain_serializer_function_ser_schema(
    lambda amount: format(amount, "f"), return_schema=core_schema.str_schema(), when_used="json-unless-none"
)
