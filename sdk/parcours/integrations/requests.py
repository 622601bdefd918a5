"""What a web request says that is worth keeping, and nothing that is not: no query string, no IP address, no cookie.

Of the query only campaign parameters are read. It knows no framework: each integration fills in a `WebRequest`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

_MAX_CHARS = 512
_MAX_QUERY_CHARS = 8192
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_UTM = {
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "name",
    "utm_term": "term",
    "utm_content": "content",
    "utm_id": "id",
}
_CLICK_IDS = frozenset(
    {"gclid", "gbraid", "wbraid", "dclid", "fbclid", "msclkid", "ttclid", "twclid", "li_fat_id", "epik", "sccid"}
)
"""What ad networks add to name one click of one person."""


@dataclass(frozen=True, slots=True)
class WebRequest:
    """A request as an integration hands it on.

    Attributes:
        method: In capitals.
        scheme: `http` or `https`, as the app sees it: behind a proxy, tell the framework to trust the proxy.
        host: With the port where it is not the usual one.
        path: Without the query.
        query: Without the question mark.
        header: Returns a header by its name in any case, or None.
        cookie: Returns a cookie by its name, or None.
    """

    method: str
    scheme: str
    host: str
    path: str
    query: str = field(repr=False)
    header: Callable[[str], str | None] = field(repr=False)
    cookie: Callable[[str], str | None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebResponse:
    """What became of a request.

    Attributes:
        status: Of HTTP.
        content_type: As in the header, or empty.
        cache_control: As in the header, or empty.
        route: The pattern that matched, such as `/products/<id>`; None where the framework does not know.
    """

    status: int
    content_type: str
    cache_control: str
    route: str | None


def is_page(request: WebRequest, response: WebResponse) -> bool:
    """Whether somebody looked at a page: HTML that a browser asked for with GET as a document, not in advance.

    A page of an error counts, a redirect does not. Parts of pages that a script fetches do not.
    """
    destination = request.header("Sec-Fetch-Dest")
    purpose = request.header("Sec-Purpose") or request.header("Purpose") or request.header("X-Moz") or ""
    return (
        request.method == "GET"
        and response.content_type.lower().startswith(("text/html", "application/xhtml+xml"))
        and not 300 <= response.status < 400
        and (destination is None or destination == "document")
        and "prefetch" not in purpose.lower()
    )


def may_begin_visit(request: WebRequest) -> bool:
    """Whether a new id may be made for it: a page is asked for, or something done; images of one page must not race."""
    if request.method in {"GET", "HEAD"}:
        return request.method == "GET" and "text/html" in (request.header("Accept") or "")
    return request.method != "OPTIONS"


def is_shared(response: WebResponse) -> bool:
    """Whether a shared cache may keep the answer, and would hand one visitor's cookie to others."""
    said = response.cache_control.lower()
    return "private" not in said and "no-store" not in said and ("public" in said or "s-maxage" in said)


def url_without_query(request: WebRequest) -> str:
    """Return the address without its query."""
    return f"{request.scheme}://{request.host}{request.path}"[: _MAX_CHARS * 4]


def referrer_without_query(request: WebRequest) -> str | None:
    """Return where the person came from, without query, fragment and user; None when it is not said."""
    try:
        parts = urlsplit(request.header("Referer") or "")
    except ValueError:
        return None
    if not parts.scheme or not parts.netloc:
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[: _MAX_CHARS * 4]


def user_agent_of(request: WebRequest) -> str | None:
    """Return the browser's name for itself."""
    return (request.header("User-Agent") or "")[:_MAX_CHARS] or None


def locale_of(request: WebRequest) -> str | None:
    """Return the language that the browser asks for first, such as `fr-FR`."""
    first = _LOCALE.match((request.header("Accept-Language") or "").lstrip())
    return first.group() if first else None


def campaign_of(request: WebRequest, *, click_ids: bool) -> Mapping[str, str] | None:
    """Return the campaign that the address names: `utm_` parameters and, if wished, the click ids of ad networks.

    A value with an `@` is left out: mailings that write an address there are known.
    """
    if "=" not in request.query or len(request.query) > _MAX_QUERY_CHARS:
        return None
    campaign: dict[str, str] = {}
    for name, value in parse_qsl(request.query):
        key = _UTM.get(name) or (name if click_ids and name in _CLICK_IDS else None)
        if key is not None and key not in campaign and "@" not in value:
            campaign[key] = value[:_MAX_CHARS]
    return campaign or None
