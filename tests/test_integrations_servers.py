"""The web integrations under real servers: what a visit leaves, and that a worker's end loses and doubles nothing.

The shops linger for a minute: whatever arrives was flushed by the end of the process that emitted it.
"""

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import pytest

from parcours.testing import FaultyCollector
from tests.integration_apps.serving import Answer, serving

GUNICORN = (sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--preload", "--workers", "2")
UVICORN = (sys.executable, "-m", "uvicorn", "--port", "0")
APPS = "tests.integration_apps"


@dataclass(frozen=True, slots=True)
class Shop:
    """A framework under a server, with what differs between them."""

    needs: tuple[str, ...]
    command: tuple[str, ...]
    route: str
    workers: int = 1
    products: str = "/products"
    breaks_into_page: bool = False


SHOPS = {
    "flask under gunicorn": Shop(
        ("flask", "gunicorn"), (*GUNICORN, f"{APPS}.flask_shop:app"), "/products/<product_id>", 2, breaks_into_page=True
    ),
    "django under gunicorn": Shop(
        ("django", "gunicorn"),
        (*GUNICORN, f"{APPS}.django_shop:wsgi"),
        "/products/<str:product_id>",
        2,
        breaks_into_page=True,
    ),
    "django under uvicorn": Shop(
        ("django", "uvicorn"),
        (*UVICORN, f"{APPS}.django_shop:asgi"),
        "/async/<str:product_id>",
        products="/async",
        breaks_into_page=True,
    ),
    "starlette under uvicorn": Shop(
        ("starlette", "uvicorn"), (*UVICORN, f"{APPS}.starlette_shop:app"), "/products/{product_id}"
    ),
    "fastapi under uvicorn": Shop(
        ("fastapi", "uvicorn"), (*UVICORN, f"{APPS}.fastapi_shop:app"), "/products/{product_id}"
    ),
    "aiohttp": Shop(("aiohttp",), (sys.executable, "-m", f"{APPS}.aiohttp_shop"), "/products/{product_id}"),
}
CAMPAIGN = "?utm_source=news&utm_medium=email&email=ada@example.com"


@dataclass(frozen=True, slots=True)
class Run:
    """A shop's whole life: what it answered, and what the collector had when it was over."""

    shop: Shop
    answers: Mapping[str, Answer]
    pids: frozenset[str]
    held: int
    touchpoints: list[Mapping[str, Any]]
    duplicates: int
    output: str

    def of(self, product_id: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The page view of a product's page, and what its handler emitted."""
        found = [sent for sent in self.touchpoints if sent["context"].get("url", "").endswith(f"/{product_id}")]
        assert sorted(sent["name"] for sent in found) == ["page_viewed", "product_viewed"], found
        page, product = sorted(found, key=lambda sent: str(sent["name"]))
        return page, product


@pytest.fixture(scope="module", params=list(SHOPS), ids=list(SHOPS))
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    shop = SHOPS[request.param]
    for needed in shop.needs:
        pytest.importorskip(needed, reason=f"needs {needed}: install the dev extra")
    answers: dict[str, Answer] = {}
    pids: set[str] = set()
    held = 0
    with FaultyCollector() as collector, serving(shop.command, collector) as server:
        get = server.get
        answers["first"] = get(f"{shop.products}/first{CAMPAIGN}", X_Consent="yes", User_Agent="Firefox")
        cookie = answers["first"].cookies[0].partition(";")[0]
        answers["again"] = get(f"{shop.products}/again", X_Consent="yes", Cookie=cookie, X_User="u1")
        answers["altered"] = get(f"{shop.products}/altered", X_Consent="yes", Cookie=f"{cookie}x")
        answers["refused"] = get(f"{shop.products}/refused", X_Consent="no", Cookie=cookie, X_User="u1")
        answers["unasked"] = get(f"{shop.products}/unasked", X_User="u1")
        answers["gpc"] = get(f"{shop.products}/gpc", X_Consent="yes", Sec_GPC="1", X_User="u1")
        answers["raise"] = get(f"{shop.products}/raise", X_Consent="yes", X_Raise="1")
        answers["cached"] = get("/cached", X_Consent="yes")
        answers["moved"] = get("/moved", X_Consent="yes")
        answers["broken"] = get("/broken", X_Consent="yes")
        with ThreadPoolExecutor(2) as visitors:
            while len(pids) < shop.workers:
                pair = list(visitors.map(get, ["/hold"] * 2))
                held += len(pair)
                pids.update(answer.body for answer in pair)
        assert not collector.touchpoints, "delivered before the end: the shops should linger"
        server.end()
        touchpoints = list(collector.touchpoints.values())
        yield Run(shop, answers, frozenset(pids), held, touchpoints, collector.duplicates, "".join(server.output))


def anonymous_id(answer: Answer) -> str:
    return SimpleCookie(answer.cookies[0])["parcours_id"].value.split(".")[0]


def test_what_each_worker_emitted_is_delivered_once_by_its_end(run: Run) -> None:
    held = [sent["properties"]["pid"] for sent in run.touchpoints if sent["name"] == "held"]
    assert len(held) == run.held
    assert {str(pid) for pid in held} == run.pids
    assert len(run.pids) == run.shop.workers
    assert run.duplicates == 0


def test_a_page_view_says_route_address_and_campaign(run: Run) -> None:
    page, _ = run.of("first")
    assert page["properties"] == {"path": run.shop.route}
    assert page["context"]["http_status"] == 200
    assert page["context"]["url"].startswith("http://127.0.0.1:")
    assert page["context"]["campaign"] == {"source": "news", "medium": "email"}
    assert page["context"]["user_agent"] == "Firefox"
    assert page["consent"] == {"analytics": True}
    assert "@" not in str(page)


def test_what_a_handler_emits_has_the_same_person_and_context(run: Run) -> None:
    for visit in ("first", "again", "altered", "refused", "gpc"):
        page, product = run.of(visit)
        assert product.get("ids") == page.get("ids")
        assert product["context"] == {key: value for key, value in page["context"].items() if key != "http_status"}
        assert product.get("consent") == page.get("consent")


def test_a_first_visit_gets_a_cookie_that_the_next_one_brings_back(run: Run) -> None:
    (cookie,) = run.answers["first"].cookies
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert attributes >= {"httponly", "samesite=lax", "path=/", "max-age=34128000"}
    assert "secure" not in attributes  # plain HTTP
    first, _ = run.of("first")
    again, _ = run.of("again")
    assert first["ids"] == {"anonymous_id": anonymous_id(run.answers["first"])}
    assert again["ids"] == {**first["ids"], "user_id": "u1"}
    assert run.answers["again"].cookies == []


def test_an_altered_cookie_is_replaced(run: Run) -> None:
    page, _ = run.of("altered")
    assert page["ids"] == {"anonymous_id": anonymous_id(run.answers["altered"])}
    assert anonymous_id(run.answers["altered"]) != anonymous_id(run.answers["first"])


@pytest.mark.parametrize("visit", ["refused", "unasked", "gpc"])
def test_without_consent_no_cookie_is_set_and_nobody_is_known(run: Run, visit: str) -> None:
    page, _ = run.of(visit)
    assert "ids" not in page
    assert not [cookie for cookie in run.answers[visit].cookies if "Max-Age=0" not in cookie]


def test_a_withdrawn_consent_removes_the_cookie(run: Run) -> None:
    (cookie,) = run.answers["refused"].cookies
    assert cookie.startswith(("parcours_id=;", 'parcours_id="";'))
    assert "Max-Age=0" in cookie


def test_a_callable_that_raises_costs_the_visitor_nothing(run: Run) -> None:
    assert run.answers["raise"].status == 200
    page, _ = run.of("raise")
    assert list(page["ids"]) == ["anonymous_id"]
    assert "LookupError while a request was recorded" in run.output


def test_a_page_for_shared_caches_gets_no_cookie(run: Run) -> None:
    assert (run.answers["cached"].status, run.answers["cached"].cookies) == (200, [])


def test_an_error_of_the_host_stays_its_own(run: Run) -> None:
    assert run.answers["moved"].status == 302
    assert run.answers["broken"].status == 500
    pages = [sent["context"]["http_status"] for sent in run.touchpoints if sent["properties"].get("path") == "/broken"]
    assert pages == ([500] if run.shop.breaks_into_page else [])
    assert not [sent for sent in run.touchpoints if sent["properties"].get("path") == "/moved"]
