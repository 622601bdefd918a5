"""What a person's choice and the project's policy leave of what was refused, or could not be read at all.

A choice is looked for wherever it may stand. What says a no, or says something that cannot be read, keeps of a
touchpoint what an accepted one would keep, and of anything else only that it came and why it was refused.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from parcours_collector.intake.dead_letters import Withheld, as_payload
from parcours_collector.intake.parsing import BrokenLine
from parcours_collector.intake.privacy import SHORTENED, Policy, Verdict

_OF_NOBODY: Final = ("id", "name", "schema", "channel", "occurred_at", "properties", "consent")
_ESCAPED_LETTER: Final = re.compile(r"\\u00([2-7][0-9a-fA-F])")
_IS: Final = r"\b[\\\"'\s]{0,9}+[:=]\s{0,9}+"
_SAYS_GPC: Final = re.compile(rf"\bgpc{_IS}(?!(?:false|null|none)\b)", re.IGNORECASE)
_SAYS_CONSENT: Final = re.compile(rf"\bconsent{_IS}(?!(?:null|none)\b|\{{\s*\}})", re.IGNORECASE)
_TO_SHORTEN: Final = re.compile(
    rf"\b(?P<key>{'|'.join(SHORTENED)})(?P<is>\\*[\"']?\s*[:=]\s*)"
    r"(?P<value>\"(?:[^\"\\]|\\.)*+(?:\"|\Z)|'[^']*+(?:'|\Z)|\\+\"[^\"]*+(?:\"|\Z)|[^\s,;}\]]+)",
    re.DOTALL,
)
"""With its value: in quotes, which may not end, in quotes of a text inside a text, or bare."""
_MOST_SHORTENED: Final = 100
"""Of one refused thing: reading a user agent takes 0.1 ms. Further ones are left out."""
_QUOTES: Final = "\\\"'"


def left_of_touchpoint(event: object, policy: Policy, *, gpc: bool) -> object | None:
    """Return what of a refused touchpoint may be kept: some of it, `Withheld`, or None for nothing at all.

    Args:
        event: Any JSON value, or a BrokenLine.
        policy: Of the project.
        gpc: The request came with `Sec-GPC: 1`.
    """
    if not isinstance(event, dict):
        return left_of_letter(event, policy, gpc=gpc)
    verdict = _verdict_of(event, policy, gpc=gpc)
    if verdict == "anonymise":
        return {key: event[key] for key in _OF_NOBODY if key in event}
    return None if verdict == "drop" else _shortened(event, policy)


def left_of_letter(payload: object, policy: Policy, *, gpc: bool) -> object | None:
    """Return what may be kept of something that is no touchpoint: all of it, `Withheld`, or None for nothing at all."""
    text = _text_of(payload)
    said = _read_choice(text, policy.settings.purpose)
    says_gpc = gpc or _SAYS_GPC.search(text) is not None
    verdict = policy.verdict({} if said is None else {policy.settings.purpose: said}, {}, gpc=says_gpc)
    if verdict == "anonymise":
        return Withheld(text)
    return None if verdict == "drop" else _shortened(payload, policy)


def withheld(value: object) -> Withheld:
    """Return the fact that something came: any JSON value, or a BrokenLine."""
    return Withheld(_text_of(value))


def _verdict_of(event: Mapping[str, Any], policy: Policy, *, gpc: bool) -> Verdict:
    consent, context = event.get("consent"), event.get("context")
    said = consent if isinstance(consent, dict) else {} if consent is None else {policy.settings.purpose: False}
    if context is not None and not isinstance(context, dict):
        gpc = gpc or _SAYS_GPC.search(_text_of(context)) is not None
    return policy.verdict(said, context if isinstance(context, dict) else {}, gpc=gpc)


def _read_choice(text: str, purpose: str) -> bool | None:
    """Return what a text says of a purpose: a yes only where nothing in it says otherwise."""
    answers = re.findall(rf"\b{re.escape(purpose)}{_IS}(true\b)?", text, re.IGNORECASE)
    if answers:
        return all(answers)
    return False if _SAYS_CONSENT.search(text) else None


def _text_of(value: object) -> str:
    text = value.text if isinstance(value, BrokenLine) else value if isinstance(value, str) else as_payload(value)
    return _ESCAPED_LETTER.sub(lambda match: chr(int(match[1], 16)), text)


def _shortener(policy: Policy) -> Callable[[str, object], object | None]:
    taken = itertools.count(1)
    return lambda key, value: policy.shorter(key, value) if next(taken) <= _MOST_SHORTENED else None


def _shortened(value: object, policy: Policy) -> object:
    """Return a copy with the addresses and user agents of its circumstances shortened, wherever these stand."""
    if isinstance(value, BrokenLine):
        return BrokenLine(_shortened_text(value.text, policy))
    if isinstance(value, str):
        return _shortened_text(value, policy)
    shorter_of = _shortener(policy)
    whole = [value]
    unfinished: list[dict[Any, Any] | list[Any]] = [whole]
    while unfinished:
        container = unfinished.pop()
        for place, inner in _items(container):
            if isinstance(container, dict) and place in SHORTENED:
                shorter = shorter_of(place, inner)
                if shorter is None:
                    del container[place]
                else:
                    container[place] = shorter
            elif isinstance(inner, dict | list) and place != "properties":
                container[place] = inner.copy()
                unfinished.append(container[place])
    return whole[0]


def _items(container: dict[Any, Any] | list[Any]) -> Iterator[tuple[Any, Any]]:
    return iter(list(container.items() if isinstance(container, dict) else enumerate(container)))


def _shortened_text(text: str, policy: Policy) -> str:
    shorter_of = _shortener(policy)

    def shorter(match: re.Match[str]) -> str:
        value = match["value"]
        quote = value[: len(value) - len(value.lstrip(_QUOTES))]
        kept = shorter_of(match["key"], value.strip(_QUOTES))
        return f"{match['key']}{match['is']}{quote}{'' if kept is None else kept}{quote}"

    if policy.settings.ip == policy.settings.user_agent == "full":
        return text
    return _TO_SHORTEN.sub(shorter, text)
