"""What can be read from a touchpoint's circumstances: campaign, click ids, referrer, browser, bot, country.

Each step adds to `enrichment`, a map of short texts, and changes nothing that the sender said. What is derived from one
raw text is remembered: the same browsers, pages and referrers come again and again.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import crawleruseragents
import maxminddb
from ua_parser import parse

from parcours_collector.errors import InvalidSettings

_MOST_CHARS = 200
_LONGEST_READ_CHARS = 4_096
_UTM = {
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "name",
    "utm_term": "term",
    "utm_content": "content",
}
CLICK_IDS: Mapping[str, str] = {
    "gclid": "google",
    "gbraid": "google",
    "wbraid": "google",
    "dclid": "google",
    "msclkid": "microsoft",
    "fbclid": "meta",
    "ttclid": "tiktok",
    "twclid": "x",
    "li_fat_id": "linkedin",
    "epik": "pinterest",
    "rdt_cid": "reddit",
    "ScCid": "snapchat",
    "yclid": "yandex",
    "irclickid": "impact",
    "awc": "awin",
}
"""The parameters by which advertisers mark a click, and whose they are."""

_SEARCH = """google bing duckduckgo yahoo ecosia qwant baidu yandex startpage brave naver seznam lilo sogou kagi mojeek
presearch swisscows"""
_SOCIAL = """facebook instagram linkedin lnkd twitter x t.co tiktok pinterest reddit youtube youtu.be snapchat whatsapp
telegram t.me threads mastodon bsky discord tumblr vk quora xing medium weibo fb"""
_ASSISTANT = "chatgpt openai perplexity claude gemini.google copilot.microsoft mistral deepseek you phind"
_MAIL = """mail.google mail.yahoo outlook.live outlook.office mail.proton webmail mail.orange laposte roundcube mail.ru
gmx zimbra"""
_DEVICE_WORDS = (
    ("tablet", "tablet"),
    ("ipad", "tablet"),
    ("mobile", "mobile"),
    ("iphone", "mobile"),
    ("smart-tv", "tv"),
    ("smarttv", "tv"),
)
_HOST_LABEL = re.compile(r"[a-z0-9-]+")

Row = dict[str, Any]
Enrichment = dict[str, str]
CountryOf = Callable[[str], str]


class Around(Protocol):
    """What the steps know besides the row."""

    @property
    def country_of(self) -> CountryOf:
        """Says which country an address is in, as ISO 3166; '' when it is not known."""

    @property
    def peer_address(self) -> str:
        """Of the person, where the request came from them; else ''."""


def read_campaign(context: Mapping[str, Any], enrichment: Enrichment) -> None:
    """Take campaign and click ids from the address of the page, where the sender has not said them."""
    url = context.get("url")
    if not isinstance(url, str) or "?" not in url:
        return
    said = context.get("campaign")
    for key, value in _parameters(url[:_LONGEST_READ_CHARS]):
        if key in _UTM and not (isinstance(said, dict) and said.get(_UTM[key])):
            enrichment[f"campaign_{_UTM[key]}"] = value
        elif key in CLICK_IDS:
            enrichment["click_network"] = CLICK_IDS[key]
            enrichment["click_id"] = value


def read_referrer(context: Mapping[str, Any], enrichment: Enrichment) -> None:
    """Say what kind of place the person came from: search, social, assistant, email, internal, or another site."""
    referrer = context.get("referrer")
    if isinstance(referrer, str) and referrer:
        url = context.get("url")
        kind, host = _referrer(referrer[:_LONGEST_READ_CHARS], _host(url) if isinstance(url, str) else "")
        if kind:
            enrichment["referrer_kind"], enrichment["referrer_host"] = kind, host


def read_user_agent(context: Mapping[str, Any], enrichment: Enrichment) -> None:
    """Take browser, operating system and kind of device from the user agent; flag bots, and drop none."""
    agent = context.get("user_agent")
    if isinstance(agent, str) and agent:
        enrichment.update(_agent(agent[:1_024]))


def read_country(context: Mapping[str, Any], enrichment: Enrichment, around: Around) -> None:
    """Look up the country of the person's address, which is not kept by that."""
    address = context.get("ip") or around.peer_address
    if isinstance(address, str) and address:
        country = around.country_of(address)
        if country:
            enrichment["country"] = country


def enrich(row: Row, _accepted: object, around: Around) -> None:
    """Fill `enrichment` of a row."""
    context, enrichment = row["context"], row["enrichment"]
    read_campaign(context, enrichment)
    read_referrer(context, enrichment)
    read_user_agent(context, enrichment)
    read_country(context, enrichment, around)


def countries(file: Path | None) -> CountryOf:
    """Return a look-up in a MaxMind file; one that knows nothing without a file.

    Raises:
        InvalidSettings: The file cannot be read as one.
    """
    if file is None:
        return nowhere
    try:
        reader = maxminddb.open_database(str(file))
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise InvalidSettings(f"enrichment.geoip_file: {file} cannot be read ({error}).") from error

    @lru_cache(maxsize=4_096)
    def country_of(address: str) -> str:
        try:
            found = reader.get(str(ip_address(address)))
        except ValueError:
            return ""
        country = found.get("country") if isinstance(found, dict) else None
        code = country.get("iso_code") if isinstance(country, dict) else None
        return code if isinstance(code, str) else ""

    return country_of


def nowhere(_address: str) -> str:
    """Know no country."""
    return ""


@lru_cache(maxsize=8_192)
def _parameters(url: str) -> tuple[tuple[str, str], ...]:
    try:
        query = urlsplit(url).query
    except ValueError:
        return ()
    return (
        tuple(
            (key, value[:_MOST_CHARS])
            for key, value in parse_qsl(query, max_num_fields=200)
            if key in _UTM or key in CLICK_IDS
        )
        if query.count("&") < 200
        else ()
    )


@lru_cache(maxsize=8_192)
def _referrer(referrer: str, own_host: str) -> tuple[str, str]:
    if referrer.startswith("android-app://"):
        return "app", referrer[14:].split("/", maxsplit=1)[0][:_MOST_CHARS]
    host = _host(referrer)
    if not host:
        return "", ""
    if own_host and _site(host) == _site(own_host):
        return "internal", host
    for kind, names in (("email", _MAIL), ("assistant", _ASSISTANT), ("social", _SOCIAL), ("search", _SEARCH)):
        if any(_is_of(host, name) for name in names.split()):
            return kind, host
    return "site", host


@lru_cache(maxsize=8_192)
def _host(url: str) -> str:
    try:
        host = (urlsplit(url).hostname or "").lower().removeprefix("www.")
    except ValueError:
        return ""
    return host[:_MOST_CHARS] if all(_HOST_LABEL.fullmatch(label) for label in host.split(".")) else ""


def _site(host: str) -> str:
    labels = host.split(".")
    # co.uk, com.br: two labels that are short stand for one.
    keep = 3 if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    return ".".join(labels[-keep:])


def _is_of(host: str, name: str) -> bool:
    """Whether a host is of a name, under any ending: `google` is google.fr, `mail.google` is mail.google.com."""
    return host == name or (f".{name}." in f".{host}." and _site(host).split(".")[0] in name.split("."))


@lru_cache(maxsize=8_192)
def _agent(text: str) -> Mapping[str, str]:
    found = parse(text)
    said: Enrichment = {}
    if found.user_agent is not None:
        said["browser"] = found.user_agent.family
        if found.user_agent.major:
            said["browser_major"] = found.user_agent.major
    if found.os is not None:
        said["os"] = found.os.family
    low = text.lower()
    said["device"] = next((kind for word, kind in _DEVICE_WORDS if word in low), "desktop")
    if "android" in low and "mobile" not in low and said["device"] == "desktop":
        said["device"] = "tablet"
    if crawleruseragents.is_crawler(text):
        said["bot"] = said.get("browser", "bot")
        said["device"] = "bot"
    return said


def reduced_agent(text: str) -> str:
    """Return what may be kept of a user agent: browser with its major version, system, kind of device."""
    said = _agent(text[:1_024])
    browser = " ".join(filter(None, (said.get("browser"), said.get("browser_major"))))
    return f"{browser or 'Other'} ({said.get('os', 'Other')}; {said['device']})"
