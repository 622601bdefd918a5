"""What every web integration shares: the anonymous id, consent, what is kept of a request; nothing hurts it."""

import logging
import time
from collections.abc import Mapping
from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours import InvalidOptions, Tracker, context, current_context
from parcours.integrations.anonymous_id import MAX_AGE_DAYS, AnonymousIdCookie, CookieChange
from parcours.integrations.requests import WebRequest, WebResponse
from parcours.integrations.web import WebTracking
from parcours.testing import RecordedTouchpoint, Touchpoints

KEY = "0123456789abcdef0123456789abcdef"
DAY = 86_400
NOW = 1_800_000_000.0
HTML = WebResponse(200, "text/html; charset=utf-8", "", "/products/<id>")
COOKIE = AnonymousIdCookie([KEY], name="parcours_id")


def request(
    method: str = "GET",
    path: str = "/products/tv-55",
    query: str = "",
    cookies: Mapping[str, str] | None = None,
    **headers: str,
) -> WebRequest:
    said = {"Accept": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
    by_name = {name.lower(): value for name, value in said.items()}
    given_cookies = dict(cookies or {})
    return WebRequest(
        method, "https", "shop.example", path, query, lambda name: by_name.get(name.lower()), given_cookies.get
    )


def agreed(_native: object) -> Mapping[str, bool]:
    return {"analytics": True}


def tracking(tracker: Tracker | None = None, **options: object) -> WebTracking:
    settings: dict[str, object] = {"cookie_key": KEY, "consent": agreed, **options}
    return WebTracking(tracker or Tracker(), **settings)


def serve(tracked: WebTracking, asked: WebRequest, answer: WebResponse = HTML) -> CookieChange | None:
    """One request through the integration, as a framework would take it."""
    visit = tracked.begin(lambda: asked, asked)
    with tracked.scope(visit):
        change = tracked.cookie_for(visit, lambda: answer)
        tracked.finish(visit, lambda: answer, asked)
    return change


def only(touchpoints: Touchpoints) -> RecordedTouchpoint:
    (one,) = touchpoints.all()
    return one


@given(st.floats(0, MAX_AGE_DAYS * DAY - 1))
def test_an_id_is_read_back_as_long_as_it_lives(age_seconds: float) -> None:
    anonymous_id, change = COOKIE.make(NOW, secure=True)
    assert COOKIE.read(change.value, NOW + age_seconds) == anonymous_id


def test_an_id_ends_after_thirteen_months_whatever_the_browser_keeps() -> None:
    _, change = COOKIE.make(NOW, secure=True)
    assert COOKIE.read(change.value, NOW + MAX_AGE_DAYS * DAY) is None
    assert MAX_AGE_DAYS <= 13 * 31


@given(st.integers(0), st.characters(codec="ascii", categories=("L", "N", "P")))
def test_an_altered_cookie_is_nobody(position: int, other: str) -> None:
    _, change = COOKIE.make(NOW, secure=True)
    position %= len(change.value)
    altered = change.value[:position] + other + change.value[position + 1 :]
    # The last character of a signature holds bits of padding: it alone may differ and mean the same.
    assert altered == change.value or COOKIE.read(altered, NOW) is None


@given(st.text(max_size=120))
def test_text_that_is_no_cookie_of_ours_is_nobody(value: str) -> None:
    assert COOKIE.read(value, NOW) is None


def test_a_cookie_of_another_key_or_name_is_nobody() -> None:
    _, change = COOKIE.make(NOW, secure=True)
    assert AnonymousIdCookie(["another key of enough bytes"], name="parcours_id").read(change.value, NOW) is None
    assert AnonymousIdCookie([KEY], name="other").read(change.value, NOW) is None


def test_a_key_can_be_changed_without_losing_anybody() -> None:
    anonymous_id, change = COOKIE.make(NOW, secure=True)
    renewed = AnonymousIdCookie(["another key of enough bytes", KEY], name="parcours_id")
    assert renewed.read(change.value, NOW) == anonymous_id
    assert COOKIE.read(renewed.make(NOW, secure=True)[1].value, NOW) is None


@pytest.mark.parametrize("options", [{"keys": []}, {"keys": ["short"]}, {"keys": [KEY], "max_age_days": 396}])
def test_a_cookie_without_a_secret_or_without_end_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidOptions):
        AnonymousIdCookie(**{"name": "parcours_id", **options})


def test_the_cookie_is_first_party_and_out_of_reach_of_scripts(touchpoints: Touchpoints) -> None:
    change = serve(tracking(), request())
    assert change is not None
    morsel = SimpleCookie(change.header())["parcours_id"]
    assert (morsel["httponly"], morsel["samesite"], morsel["secure"], morsel["domain"]) == (True, "Lax", True, "")
    assert morsel["max-age"] == str(MAX_AGE_DAYS * DAY)
    assert only(touchpoints).ids == {"anonymous_id": morsel.value.split(".")[0]}


def test_a_person_who_comes_again_keeps_the_id_and_gets_no_cookie(touchpoints: Touchpoints) -> None:
    anonymous_id, change = COOKIE.make(time.time(), secure=True)
    assert serve(tracking(), request(cookies={"parcours_id": change.value})) is None
    assert only(touchpoints).ids == {"anonymous_id": anonymous_id}


def test_an_altered_cookie_is_replaced(touchpoints: Touchpoints) -> None:
    _, change = COOKIE.make(time.time(), secure=True)
    replaced = serve(tracking(), request(cookies={"parcours_id": f"x{change.value}"}))
    assert replaced is not None
    assert only(touchpoints).ids == {"anonymous_id": replaced.value.split(".")[0]}


def test_the_images_of_a_page_make_no_ids(touchpoints: Touchpoints) -> None:
    assert serve(tracking(), request(Accept="image/avif,*/*"), WebResponse(200, "image/png", "", None)) is None
    assert touchpoints.all() == []


def test_no_cookie_goes_into_a_shared_cache_and_no_id_that_only_it_would_hold(touchpoints: Touchpoints) -> None:
    answer = WebResponse(200, "text/html", "public, max-age=60", None)
    assert serve(tracking(), request(), answer) is None
    assert only(touchpoints).ids == {}


def refusals() -> list[tuple[str, dict[str, object], WebRequest]]:
    _, change = COOKIE.make(time.time(), secure=True)
    known = {"parcours_id": change.value}
    return [
        ("not asked", {"consent": lambda _native: None}, request(cookies=known)),
        ("refused", {"consent": lambda _native: {"analytics": False}}, request(cookies=known)),
        ("raised", {"consent": lambda _native: 1 / 0, "consent_required": False}, request(cookies=known)),
        ("another purpose", {"consent": lambda _native: {"ads": True}}, request(cookies=known)),
        ("truthy is no agreement", {"consent": lambda _native: "yes"}, request(cookies=known)),
        ("Sec-GPC", {}, request(cookies=known, Sec_GPC="1")),
        ("DNT", {"consent": None, "consent_required": False}, request(cookies=known, DNT="1")),
    ]


@pytest.mark.parametrize(("options", "asked"), [case[1:] for case in refusals()], ids=[case[0] for case in refusals()])
def test_without_consent_nobody_is_known(
    options: dict[str, object], asked: WebRequest, touchpoints: Touchpoints
) -> None:
    tracked = tracking(user_id=lambda _native: "u1", **options)
    with context(user_id="of an outer context"):
        change = serve(tracked, asked)
    assert change is not None
    assert (change.value, change.attributes["max_age"]) == ("", 0)
    page = only(touchpoints)
    assert page.ids == {}
    assert "user_agent" not in page.context


def test_a_signal_of_the_browser_is_a_refusal_that_goes_with_the_touchpoint(touchpoints: Touchpoints) -> None:
    serve(tracking(), request(Sec_GPC="1"))
    assert only(touchpoints).consent == {"analytics": False}


def test_signals_are_the_hosts_to_choose(touchpoints: Touchpoints) -> None:
    assert serve(tracking(privacy_signals=["Sec-GPC"]), request(DNT="1")) is not None


def test_page_views_without_consent_can_be_left_out(touchpoints: Touchpoints) -> None:
    serve(tracking(without_consent="no_page_view"), request(Sec_GPC="1"))
    assert touchpoints.all() == []


def test_consent_is_required_unless_the_host_says_otherwise() -> None:
    with pytest.raises(InvalidOptions, match="nothing says who gave it"):
        WebTracking(Tracker("http://127.0.0.1:1", "key"), cookie_key=KEY)


def test_a_page_view_says_the_route_and_the_address_without_its_query(touchpoints: Touchpoints) -> None:
    asked = request(
        query="email=ada%40example.com&utm_source=news&utm_campaign=may&utm_term=ada%40example.com&gclid=c1&x=1",
        Referer="https://user@search.example/find?q=ada@example.com#top",
        User_Agent="Firefox",
        Accept_Language="fr-FR,fr;q=0.9",
    )
    serve(tracking(user_id=lambda _native: "u1"), asked)
    page = only(touchpoints)
    assert page.properties == {"path": "/products/<id>"}
    assert page.ids["user_id"] == "u1"
    assert page.consent == {"analytics": True}
    assert page.context == {
        "url": "https://shop.example/products/tv-55",
        "referrer": "https://search.example/find",
        "user_agent": "Firefox",
        "locale": "fr-FR",
        "campaign": {"source": "news", "name": "may", "gclid": "c1"},
        "http_status": 200,
    }
    assert "@" not in str(page)


def test_click_ids_name_a_person_and_need_consent(touchpoints: Touchpoints) -> None:
    serve(tracking(), request(query="utm_source=news&gclid=c1", Sec_GPC="1"))
    assert only(touchpoints).context["campaign"] == {"source": "news"}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (request("POST"), HTML),
        (request("HEAD"), HTML),
        (request(), WebResponse(200, "application/json", "", None)),
        (request(), WebResponse(302, "text/html", "", None)),
        (request(Sec_Fetch_Dest="empty"), HTML),
        (request(Sec_Purpose="prefetch;prerender"), HTML),
        (request(path="/admin/users"), HTML),
    ],
    ids=["post", "head", "json", "redirect", "fetched by a script", "in advance", "excluded"],
)
def test_what_nobody_looks_at_is_no_page_view(asked: WebRequest, answer: WebResponse, touchpoints: Touchpoints) -> None:
    serve(tracking(exclude=["/admin/*"]), asked, answer)
    assert touchpoints.all() == []


def test_a_page_of_an_error_is_one_with_its_status(touchpoints: Touchpoints) -> None:
    serve(tracking(), request(), WebResponse(404, "text/html", "", None))
    page = only(touchpoints)
    assert (page.context["http_status"], page.properties["path"]) == (404, "/products/tv-55")


def test_what_is_a_page_view_and_its_address_are_the_hosts_to_choose(touchpoints: Touchpoints) -> None:
    tracked = tracking(include=lambda _asked, answer: answer.status == 200, url=lambda _asked: None)
    serve(tracked, request("POST"), WebResponse(200, "application/json", "", None))
    assert "url" not in only(touchpoints).context


def test_what_the_app_emits_meanwhile_has_the_context_and_nothing_afterwards(touchpoints: Touchpoints) -> None:
    tracker = Tracker()
    tracked = tracking(tracker, user_id=lambda _native: "u1")
    asked = request(query="utm_source=news")
    visit = tracked.begin(lambda: asked, asked)
    with tracked.scope(visit):
        tracker.track("coupon_entered", user_id="u2", context={"store_id": "s1"})
    assert current_context().ids == {}
    recorded = touchpoints.assert_emitted("coupon_entered", ids={"user_id": "u2"}, context={"store_id": "s1"})
    assert recorded.ids["anonymous_id"] == visit.anonymous_id
    assert recorded.context["campaign"] == {"source": "news"}
    assert recorded.consent == {"analytics": True}


def test_who_signs_in_during_the_request_is_known_after_it(touchpoints: Touchpoints) -> None:
    answers = iter([None, "u1"])
    serve(tracking(user_id=lambda _native: next(answers)), request())
    assert only(touchpoints).ids["user_id"] == "u1"


async def test_async_frameworks_may_ask_coroutine_functions(touchpoints: Touchpoints) -> None:
    async def user_id(_native: object) -> str:
        return "u1"

    tracked, asked = tracking(user_id=user_id), request()
    visit = await tracked.begin_async(lambda: asked, asked)
    with tracked.scope(visit):
        await tracked.finish_async(visit, lambda: HTML, asked)
    assert only(touchpoints).ids["user_id"] == "u1"
    assert tracked.failures == 0


def test_a_coroutine_function_elsewhere_is_a_failure_and_no_warning(touchpoints: Touchpoints) -> None:
    async def user_id(_native: object) -> str:
        return "u1"

    tracked = tracking(user_id=user_id)
    serve(tracked, request())
    assert "user_id" not in only(touchpoints).ids
    assert tracked.failures == 2


SECRET = "canary-7f3a"


def raising(*_arguments: object) -> object:
    raise RuntimeError(SECRET)


@pytest.mark.parametrize("broken", ["consent", "user_id", "include", "url"])
def test_a_callable_that_raises_costs_the_request_nothing(
    broken: str, touchpoints: Touchpoints, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tracked = tracking(**{broken: raising})
    for _ in range(3):
        serve(tracked, request())
    assert tracked.failures >= 3
    assert len([record for record in caplog.records if record.name == "parcours"]) == 1
    assert "RuntimeError" in caplog.text
    assert SECRET not in caplog.text


def test_a_request_that_cannot_be_read_is_answered_all_the_same(touchpoints: Touchpoints) -> None:
    tracked = tracking()
    visit = tracked.begin(raising, None)
    with tracked.scope(visit):
        assert tracked.cookie_for(visit, lambda: HTML) is None
        tracked.finish(visit, lambda: HTML, None)
    assert tracked.failures == 1


def test_an_answer_that_cannot_be_read_is_no_page_view(touchpoints: Touchpoints) -> None:
    tracked, asked = tracking(), request()
    visit = tracked.begin(lambda: asked, asked)
    assert tracked.cookie_for(visit, raising) is None
    tracked.finish(visit, raising, asked)
    assert touchpoints.all() == []
    assert tracked.failures == 2


@pytest.mark.parametrize("options", [{"queue_max_count": 1, "linger_seconds": 60}, {"strict": True}])
def test_a_full_queue_and_a_strict_tracker_cost_the_request_nothing(
    options: dict[str, object], touchpoints: Touchpoints
) -> None:
    tracker = Tracker(**options)
    tracked = tracking(tracker, url=lambda _asked: 7 if options.get("strict") else "https://shop.example/")
    for _ in range(3):
        assert serve(tracked, request()) is not None
    stats = tracker.stats()
    assert stats.emitted == 3
    assert sum(stats.dropped.values()) >= 2


async def test_flush_waits_for_either_face(touchpoints: Touchpoints) -> None:
    tracker = Tracker(linger_seconds=60)
    tracked = tracking(tracker)
    serve(tracked, request())
    await tracked.flush()
    assert tracker.stats().delivered == 1
