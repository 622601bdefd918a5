"""What a touchpoint says: its name, version and properties, encoded once, and checked at the call.

A typed touchpoint is valid since it was made. An untyped one is checked, as it will go on the wire, by the very
validation of the collector: against the catalogue, and against the team's tracking plan when there is one.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import orjson

from parcours.encoding import NotEncodable, encode
from parcours.errors import InvalidOptions
from parcours.options import Options
from parcours_schemas.errors import InvalidPlan, MissingExtra
from parcours_schemas.known import known_catalogue
from parcours_schemas.plan import TrackingPlan
from parcours_schemas.refusal import Refusal
from parcours_schemas.reject import RejectCode
from parcours_schemas.touchpoint import Declaration, Touchpoint
from parcours_schemas.validation import find_known, unknown_name, validate


class Kind(Protocol):
    """What all touchpoints of a kind share; None where it says nothing. A class's `Declaration` is one."""

    @property
    def name(self) -> str:
        """Name of the touchpoint."""

    @property
    def version(self) -> str | None:
        """Version of its schema."""

    @property
    def channel(self) -> str | None:
        """Channel it is taken to happen on."""


class Untyped(NamedTuple):
    """The kind of a touchpoint that is given by its name."""

    name: str
    version: str | None = None
    channel: str | None = None


def declaration_of(touchpoint: object) -> Declaration | Refusal:
    """Return the kind of a touchpoint given as a model."""
    declaration = getattr(touchpoint, "__touchpoint__", None)
    if type(declaration) is Declaration and not isinstance(touchpoint, type):
        return declaration
    detail = f"{type(touchpoint).__name__} is no declared touchpoint: for a name and properties use track"
    return Refusal(RejectCode.INVALID_NAME, "/name", detail)


def typed_properties(touchpoint: Touchpoint) -> bytes:
    """Return the properties of a touchpoint given as a model."""
    # Without warnings: they would hold the value of a field that was made without validation.
    return touchpoint.__pydantic_serializer__.to_json(touchpoint, exclude_none=True, warnings=False)


def untyped_properties(properties: Mapping[str, object] | None) -> bytes | Refusal | None:
    """Return the properties of a touchpoint given by its name; `PlanCheck` judges it as a whole."""
    try:
        return encode(dict(properties)) if properties else None
    except NotEncodable as error:
        return Refusal(RejectCode.SCHEMA_VIOLATION, "/properties", str(error))


class PlanCheck:
    """Judge touchpoints as the collector would: untyped ones as a whole, typed ones by their name. Thread-safe.

    Args:
        options: Of the tracker: the plan, the policies and the region of phones.
        warn: Called with the name of a touchpoint that is taken and what it would be refused for under `reject`.

    Raises:
        InvalidOptions: The folder or one of its files cannot be used.
    """

    def __init__(self, options: Options, warn: Callable[[str, Refusal], None]) -> None:
        # Now rather than at the first call: that one would wait, and a fork meanwhile would inherit it half done.
        known_catalogue()
        self._plan = None if options.plan is None else _read_plan(Path(options.plan))
        self._unknown_names = options.unknown_names or ("allow" if self._plan is None else "reject")
        self._unknown_properties = options.unknown_properties
        self._phone_region = options.phone_region
        self._warn = warn

    def refusal_of(self, wire: bytes) -> Refusal | None:
        """Return why the collector would refuse this touchpoint, or None."""
        verdict = validate(
            orjson.loads(wire),
            plan=self._plan,
            received_at=datetime.now(UTC),
            unknown_names=self._unknown_names,
            unknown_properties=self._unknown_properties,
            region=self._phone_region,
        )
        if isinstance(verdict, Refusal):
            return verdict
        if verdict.warning is not None:
            self._warn(verdict.name, verdict.warning)
        return None

    def refusal_of_name(self, name: str) -> Refusal | None:
        """Return why the collector would refuse a typed touchpoint of this name, or None."""
        if self._unknown_names == "allow" or find_known(name, self._plan) is not None:
            return None
        refusal = unknown_name(name, self._plan)
        if self._unknown_names == "reject":
            return refusal
        self._warn(name, refusal)
        return None


def _read_plan(folder: Path) -> TrackingPlan:
    if not folder.is_dir():
        raise InvalidOptions("plan is not a folder.", remedy="Give the folder that holds the plan's JSON Schema files.")
    try:
        return TrackingPlan.from_documents({file.name: file.read_bytes() for file in folder.glob("*.json")})
    except (InvalidPlan, MissingExtra, OSError) as error:
        raise InvalidOptions("The tracking plan cannot be used:", remedy=str(error)) from error
