"""What the collector answers, read with suspicion: a 200 counts only when it accounts for everything that was sent."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_Count = Annotated[int, Field(strict=True, ge=0)]


@dataclass(frozen=True, slots=True)
class Rejected:
    """One refused item: `index` among those sent, and what is wrong where."""

    index: int
    code: str
    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of the items sent: kept + duplicate + len(rejected) = their number."""

    kept: int
    duplicate: int
    rejected: tuple[Rejected, ...]

    def followed_by(self, other: "Receipt", *, offset: int) -> "Receipt":
        """Return the receipt of two requests, the second of which began at the item `offset` of the whole."""
        moved = tuple(Rejected(one.index + offset, one.code, one.path, one.detail) for one in other.rejected)
        return Receipt(self.kept + other.kept, self.duplicate + other.duplicate, self.rejected + moved)


class KeyOwner(BaseModel):
    """Whose write key it is."""

    model_config = ConfigDict(frozen=True)

    source: str
    project: str


class _Rejected(BaseModel):
    index: _Count
    code: str
    path: str = ""
    detail: str = ""


class _Touchpoints(BaseModel):
    accepted: _Count
    duplicate: _Count
    rejected: list[_Rejected]


class _Letters(BaseModel):
    kept: _Count
    rejected: list[_Rejected]


def read_touchpoints_receipt(body: bytes, sent: int) -> Receipt | None:
    """Return the receipt of `sent` touchpoints; None when the body is none."""
    try:
        answer = _Touchpoints.model_validate_json(body)
    except ValidationError:
        return None
    return _receipt(answer.accepted, answer.duplicate, answer.rejected, sent)


def read_letters_receipt(body: bytes, sent: int) -> Receipt | None:
    """Return the receipt of `sent` dead letters; None when the body is none."""
    try:
        answer = _Letters.model_validate_json(body)
    except ValidationError:
        return None
    return _receipt(answer.kept, 0, answer.rejected, sent)


def read_owner(body: bytes) -> KeyOwner | None:
    """Return whose key it is; None when the body does not say."""
    try:
        return KeyOwner.model_validate_json(body)
    except ValidationError:
        return None


def _receipt(kept: int, duplicate: int, rejected: list[_Rejected], sent: int) -> Receipt | None:
    indexes = {one.index for one in rejected}
    if (
        kept + duplicate + len(rejected) != sent
        or len(indexes) != len(rejected)
        or max(indexes, default=0) >= max(sent, 1)
    ):
        return None
    return Receipt(kept, duplicate, tuple(Rejected(one.index, one.code, one.path, one.detail) for one in rejected))
