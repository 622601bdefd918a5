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
            context: May hold `gpc`, where the sender is not the browser itself.
            gpc: The request came with `Sec-GPC: 1`.
        """
        settings = self.settings
        verdicts: list[Verdict] = ["keep"]
        said = consent.get(settings.purpose)
        if said is False or (said is not True and settings.consent_required):
            verdicts.append(settings.on_refusal)
        if gpc or context.get("gpc") is True:
            verdicts.append(settings.on_gpc)
        return max(verdicts, key=_SEVERITY.__getitem__)

    def of_refused(self, event: object, *, gpc: bool) -> object | None:
        """Return what of a refused event may be kept as a dead letter; None when nothing may.

        What is wrong with it may be its consent: whatever does not read as a yes is none.
        """
        if not isinstance(event, dict):
            return event if self.settings.on_refusal == "keep" or not self.settings.consent_required else None
        consent, context = event.get("consent"), event.get("context")
        said = consent if isinstance(consent, dict) else {} if consent is None else {self.settings.purpose: False}
        verdict = self.verdict(said, context if isinstance(context, dict) else {}, gpc=gpc)
        if verdict == "drop":
            return None
        return event if verdict == "keep" else {key: event[key] for key in event if key not in {"ids", "context"}}

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
        if "ip" in context:
            self._shorten(
                row, "ip", _truncated(context["ip"]) if self.settings.ip == "truncated" else None, self.settings.ip
            )
        if "user_agent" in context:
            agent = context["user_agent"]
            shorter = reduced_agent(agent) if self.settings.user_agent == "reduced" and isinstance(agent, str) else None
            self._shorten(row, "user_agent", shorter, self.settings.user_agent)

    def _shorten(self, row: Row, key: str, shorter: str | None, policy: str) -> None:
        if policy == "full":
            return
        context = dict(row["context"])
        if shorter is None:
            context.pop(key)
        else:
            context[key] = shorter
        row["context"] = context


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
