"""A context on its way to another process: one text header, for task queues and requests between a team's own services.

What comes in is checked as the collector would, within bounds, and is empty when anything of it is wrong. A header
proves nothing about its sender: read it from your own queue and services, never from a browser.
"""

import json
from collections.abc import Collection, Mapping
from functools import cache

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from parcours.contexts import Context, Identifier, current_context
from parcours.encoding import NotEncodable, encode
from parcours_schemas.envelope import Context as WireContext
from parcours_schemas.envelope import Identifiers, Name, Purposes
from parcours_schemas.identifiers import HASHED_KINDS
from parcours_schemas.validation import too_deep

HEADER = "parcours-context"
"""The header's name, in lower case."""
MAX_HEADER_CHARS = 4096
"""Bound of its value. A context that is larger travels without its circumstances, such as the URL."""


@with_config(ConfigDict(extra="forbid"))
class _Carried(TypedDict, total=False):
    ids: Identifiers
    context: WireContext
    consent: Purposes
    channel: Name


def context_to_headers(said: Context | None = None) -> dict[str, str]:
    """Return the headers, ASCII text, that take a context to another process; none when there is nothing to say.

    E-mails and phones in clear stay behind, since a queue keeps what it is given: send `user_id` or their hashes.

    Args:
        said: The current context when None.
    """
    said = current_context() if said is None else said
    ids = {kind: _text(value) for kind, value in said.ids.items() if value is not None and kind not in HASHED_KINDS}
    carried = {"ids": ids, "context": said.context, "consent": said.consent, "channel": said.channel}
    for without in ("", "context", "ids"):
        carried.pop(without, None)
        try:
            value = json.dumps(
                json.loads(encode({key: one for key, one in carried.items() if one})), separators=(",", ":")
            )
        except NotEncodable:
            continue
        if len(value) <= MAX_HEADER_CHARS:
            return {} if value == "{}" else {HEADER: value}
    return {}


def context_from_headers(headers: Mapping[str, object]) -> Context:
    """Return the context that headers bring, empty when there is none or when anything of it is wrong.

    `with parcours.context(context_from_headers(headers)):` says it, and nothing else, inside the block.

    Args:
        headers: By name, in lower case or in whatever case the mapping understands.
    """
    value = headers.get(HEADER)
    if not isinstance(value, str) or len(value) > MAX_HEADER_CHARS:
        return Context()
    try:
        carried = _check().validate_json(value)
    except ValidationError:
        return Context()
    circumstances = {**carried.get("context", {})}
    if too_deep(circumstances):
        return Context()
    return Context(carried.get("ids", {}), circumstances, carried.get("consent", {}), carried.get("channel"))


def _text(value: "Identifier | Collection[Identifier]") -> str | list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple | set | frozenset) else str(value)


@cache
def _check() -> TypeAdapter[_Carried]:
    return TypeAdapter(_Carried)
