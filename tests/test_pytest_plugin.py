"""The pytest plugin in suites of others: recorded where asked for, refused where told, out of the way elsewhere."""

import importlib
import subprocess
import sys

import pytest

from parcours.testing import FaultyCollector

pytest_plugins = ["pytester"]
for _loaded in ("aiohttp.web", "parcours.testing.assertions"):
    importlib.import_module(_loaded)  # else each suite inside would load it anew

EMITS = """
    from parcours import Tracker

    def emit(**options):
        tracker = Tracker(ENDPOINT, "test-key", backoff_base_seconds=0.01, **options)
        tracker.track("newsletter_subscribed", user_id="u1")
        return tracker
"""


@pytest.fixture(autouse=True)
def quiet(pytester: pytest.Pytester) -> None:
    """The suites inside need neither this suite's settings nor its other plugins."""
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.plugins = []


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:timeout", "--strict-markers", *arguments)


def test_the_plugin_loads_nothing_of_the_sdk_before_the_fixture_is_asked_for() -> None:
    script = (
        "import sys, parcours.pytest_plugin\n"
        "print(sorted({'aiohttp', 'pydantic', 'orjson', 'asyncio'} & set(sys.modules)),"
        " [name for name in sys.modules if name.startswith('parcours.')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] ['parcours.pytest_plugin']"


def test_a_suite_that_does_not_use_it_sends_as_before(pytester: pytest.Pytester) -> None:
    with FaultyCollector() as collector:
        pytester.makepyfile(
            EMITS.replace("ENDPOINT", repr(collector.endpoint))
            + """
    def test_that_sends():
        assert emit().close().delivered == 1
"""
        )
        run(pytester).assert_outcomes(passed=1)
        assert len(collector.touchpoints) == 1


def test_the_fixture_records_and_its_failure_explains(pytester: pytest.Pytester) -> None:
    with FaultyCollector() as collector:
        pytester.makepyfile(
            EMITS.replace("ENDPOINT", repr(collector.endpoint))
            + """
    def test_that_holds(touchpoints):
        emit()
        touchpoints.assert_emitted("newsletter_subscribed", ids={"user_id": "u1"})

    def test_that_fails(touchpoints):
        assert touchpoints.all() == []
        emit()
        touchpoints.assert_emitted("newsletter_subscribe")
"""
        )
        result = run(pytester)
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(["*AssertionError: 'newsletter_subscribe' was not emitted.", "*Did you mean*"])
        assert not collector.batches


def test_refuse_drops_what_would_be_sent_and_fails_the_test_that_did(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nparcours_network = refuse\n")
    with FaultyCollector() as collector:
        pytester.makepyfile(
            EMITS.replace("ENDPOINT", repr(collector.endpoint))
            + """
    import pytest

    def test_that_sends_unawares():
        emit()

    def test_that_records(touchpoints):
        emit()
        touchpoints.assert_emitted("newsletter_subscribed")

    @pytest.mark.parcours_network
    def test_that_may():
        assert emit().close().delivered == 1

    def test_that_does_nothing():
        pass
"""
        )
        result = run(pytester)
        result.assert_outcomes(passed=3, failed=1)
        result.stdout.fnmatch_lines(["Touchpoints would have been sent over the network (1).*"])
        assert len(collector.touchpoints) == 1


def test_a_setting_that_means_nothing_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nparcours_network = maybe\n")
    result = run(pytester)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*parcours_network is 'maybe': set it to allow or refuse"])


def test_parallel_processes_record_each_their_own(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xdist", reason="needs pytest-xdist")
    pytester.makepyfile(
        """
    import pytest
    from parcours import Tracker

    @pytest.mark.parametrize("number", range(8))
    def test_alone(touchpoints, number):
        Tracker().track("newsletter_subscribed", {"list_id": str(number)}, user_id="u1")
        assert [each.properties["list_id"] for each in touchpoints.all()] == [str(number)]
"""
    )
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugins = ("-p", "xdist.plugin", "-p", "parcours.pytest_plugin")
    pytester.runpytest_subprocess(*plugins, "-n", "2").assert_outcomes(passed=8)
