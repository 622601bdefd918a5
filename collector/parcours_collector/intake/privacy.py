"""What the person's choice and the project's policy leave of a touchpoint. What cannot be read is a no.

A touchpoint that is dropped is answered as refused, and nothing of it is kept anywhere. One that is anonymised keeps
what happened, and nothing of who: no identifiers, no address, no device, no query of a page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from parcours_collector.intake.enrichment import reduced_agent
from parcours_collector.settings import PrivacySettings

Row = dict[str, Any]
Verdict: TypeAlias = Literal["keep", "anonymise", "drop"]

_OF_A_PERSON = ("ip", "user_agent", "device", "locale", "timezone", "screen", "gpc")
_ADDRESSES = ("url", "referrer")
SHORTENED = ("ip", "user_agent")
"""Of the circumstances: what is kept in part at most."""
_SEVERITY: Mapping[Verdict, int] = {"keep": 0, "anonymise": 1, "drop": 2}
_OF_CLICK = ("click_id", "click_network")


@dataclass(frozen=True, slots=True)
class Policy:
    """What a project does with what a person has said no to."""

    settings: PrivacySettings

    def verdict(self, consent: Mapping[str, bool], context: Mapping[str, Any], *, gpc: bool) -> Verdict:
        """Say what becomes of a touchpoint.

        Args:
            consent: By purpose.
            context: May hold `gpc`, where the sender is not the browser itself; anything but false is a no.
            gpc: The request came with `Sec-GPC: 1`.
        """
        settings = self.settings
        verdicts: list[Verdict] = ["keep"]
        said: object = consent.get(settings.purpose)
        if (said is not None and said is not True) or (said is None and settings.consent_required):
            verdicts.append(settings.on_refusal)
        said = context.get("gpc")
        if gpc or (said is not None and said is not False):
            verdicts.append(settings.on_gpc)
        return max(verdicts, key=_SEVERITY.__getitem__)

    def apply(self, row: Row, verdict: Verdict) -> None:
        """Take from a row what may not be kept."""
        context = row["context"]
        if verdict == "anonymise":
            row["ids"] = {}
            row["context"] = context = {
                key: _without_query(value) if key in _ADDRESSES else value
                for key, value in context.items()
                if key not in _OF_A_PERSON
            }
            for name in _OF_CLICK:
                row["enrichment"].pop(name, None)
            return
        shorter = {key: self.shorter(key, context[key]) for key in SHORTENED if key in context}
        if shorter:
            row["context"] = {
                key: shorter.get(key, value) for key, value in context.items() if shorter.get(key, value) is not None
            }

    def shorter(self, key: str, value: object) -> object | None:
        """Return what may be kept of an address or a user agent; None for nothing."""
        rule = self.settings.ip if key == "ip" else self.settings.user_agent
        if rule == "full":
            return value
        if rule == "none":
            return None
        if key == "ip":
            return _truncated(value)
        return reduced_agent(value) if isinstance(value, str) else None


USUAL_POLICY = Policy(PrivacySettings())
"""What holds where a project has set nothing."""


def _truncated(address: object) -> str | None:
    try:
        parsed = ip_address(address) if isinstance(address, str) else None
    except ValueError:
        return None
    if parsed is None:
        return None
    if parsed.version == 6 and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False).network_address)


def _without_query(url: object) -> str:
    """Return an address without its query, its fragment and whoever it names; '' where it cannot be read."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        if parts is None:
            return ""
        host = parts.hostname or ""
        place = f"[{host}]" if ":" in host else host
        return urlunsplit((parts.scheme, f"{place}:{parts.port}" if parts.port else place, parts.path, "", ""))
    except ValueError:  # brackets that do not close, or a port that is no number
        return ""
