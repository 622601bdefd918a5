"""Settings: what is missing or wrong is said when a tracker is made, with the remedy."""

from typing import Any

import pytest

from parcours import InvalidOptions, Options, Tracker
from parcours.options import TrackerOptions

ENDPOINT = "https://collector.example.com"
KEY = "wk_1234"


def resolve(endpoint: str | None = None, write_key: str | None = None, **environ: str) -> Options:
    return Options.resolve(endpoint, write_key, {}, environ)


def test_arguments_win_over_the_environment() -> None:
    options = resolve("http://here:1", "argument", PARCOURS_ENDPOINT="http://there:2", PARCOURS_WRITE_KEY="environment")
    assert (options.url, options.write_key) == ("http://here:1/v1/touchpoints", "argument")


def test_the_environment_is_enough() -> None:
    options = resolve(PARCOURS_ENDPOINT=ENDPOINT, PARCOURS_WRITE_KEY=KEY, PARCOURS_IDENTIFIER_KEY="5ec7e7")
    assert (options.url, options.write_key, options.identifier_key) == (
        f"{ENDPOINT}/v1/touchpoints",
        KEY,
        bytes.fromhex("5ec7e7"),
    )


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://c/", "http://c/v1/touchpoints"),
        ("http://c/v1/touchpoints", "http://c/v1/touchpoints"),
        ("https://c:8443/behind/a/proxy", "https://c:8443/behind/a/proxy/v1/touchpoints"),
    ],
)
def test_the_path_is_added_once(endpoint: str, url: str) -> None:
    assert resolve(endpoint, KEY).url == url


@pytest.mark.parametrize(
    ("endpoint", "write_key", "said"),
    [
        (None, KEY, "PARCOURS_ENDPOINT"),
        (ENDPOINT, None, "PARCOURS_WRITE_KEY"),
        ("collector.example.com", KEY, "https://"),
        ("ftp://collector", KEY, "https://"),
        ("http://user:secret-canary@collector", KEY, "write_key"),
        ("http://collector:99999", KEY, "https://"),
        (ENDPOINT, "two words canary", "Copy it again"),
        (ENDPOINT, "line\nbreak canary", "Copy it again"),
    ],
)
def test_a_missing_or_malformed_setting_says_what_to_set_and_shows_no_secret(
    endpoint: str | None, write_key: str | None, said: str
) -> None:
    with pytest.raises(InvalidOptions, match=said) as refused:
        resolve(endpoint, write_key)
    assert "canary" not in str(refused.value)


def test_a_tracker_without_settings_is_refused_at_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PARCOURS_ENDPOINT", "PARCOURS_WRITE_KEY", "PARCOURS_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InvalidOptions, match="PARCOURS_ENDPOINT"):
        Tracker()


@pytest.mark.parametrize(
    "given",
    [
        {"queue_max_count": 0},
        {"batch_max_count": 1001},
        {"linger_seconds": -1.0},
        {"backoff_max_seconds": "60"},
        # Each would fail in the worker, again and again.
        {"batch_max_count": 100.0},
        {"queue_max_count": True},
        {"linger_seconds": float("nan")},
    ],
)
def test_an_option_out_of_bounds_is_refused_with_its_bounds(given: TrackerOptions) -> None:
    with pytest.raises(InvalidOptions, match=r"Give a (whole )?number"):
        Options.resolve(ENDPOINT, KEY, given, {})


async def record_later(*_: object) -> None:
    """A callback that nobody would await."""


class RecordLater:
    async def __call__(self, *_: object) -> None:
        """The same, as an object."""

    def __repr__(self) -> str:
        return "a coroutine function's like"


@pytest.mark.parametrize(
    "given",
    [
        {"on_drop": record_later},
        {"on_drop": RecordLater()},
        {"on_drop": "canary"},
        {"before_send": RecordLater()},
        {"strict": "canary"},
        {"plan": 3},
        {"spool": 3},
        {"identifier_key": 3},
        {"phone_region": 33},
        {"redact": ["canary"]},
        {"required_consent": 3},
    ],
    ids=lambda given: repr(given).partition(" at 0x")[0],
)
def test_an_option_of_another_kind_is_refused_when_the_tracker_is_made_and_not_shown(given: Any) -> None:
    with pytest.raises(InvalidOptions) as refused:
        Tracker(ENDPOINT, KEY, **given)
    assert "canary" not in str(refused.value)


def test_an_endpoint_or_a_key_that_is_no_text_is_missing() -> None:
    with pytest.raises(InvalidOptions, match="PARCOURS_ENDPOINT"):
        Tracker(3, KEY)  # type: ignore[arg-type]
    with pytest.raises(InvalidOptions, match="PARCOURS_WRITE_KEY"):
        Tracker(ENDPOINT, 3)  # type: ignore[arg-type]


def test_disabled_is_on_or_off_and_nothing_else() -> None:
    assert resolve(PARCOURS_DISABLED="1").disabled
    assert not resolve(ENDPOINT, KEY, PARCOURS_DISABLED="false").disabled
    with pytest.raises(InvalidOptions, match="1 or 0"):
        resolve(ENDPOINT, KEY, PARCOURS_DISABLED="maybe")


def test_secrets_are_not_in_the_repr() -> None:
    options = resolve(ENDPOINT, "canary-key", PARCOURS_IDENTIFIER_KEY="ca4a47")
    assert "canary" not in repr(options)
    assert repr(bytes.fromhex("ca4a47")) not in repr(options)


def test_an_identifier_key_that_would_hash_otherwise_than_the_collector_is_refused() -> None:
    with pytest.raises(InvalidOptions, match=r"registry\.json") as refused:
        resolve(ENDPOINT, KEY, PARCOURS_IDENTIFIER_KEY="canary-hash")
    assert "canary" not in str(refused.value)
    assert Options.resolve(ENDPOINT, KEY, {"identifier_key": b"canary-hash"}, {}).identifier_key == b"canary-hash"
