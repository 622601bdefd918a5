"""What every test may ask for: a real ClickHouse (one for the session), and a collector of its own.

The engine is the embedded one, unless PARCOURS_CLICKHOUSE_URL names a server: then the same suite runs against that.
"""

import itertools
import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, settings

from parcours.drops import speak_anew
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.migrations import migrate

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A suite in the background of a shell is started deaf to Ctrl-C, and so would be the commands that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long drawing takes says something of the machine, and of what runs beside it; nothing of what is tested.
settings.register_profile("any_machine", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("any_machine")

_GIVEN_URL = os.environ.pop("PARCOURS_CLICKHOUSE_URL", None)
for _variable in [name for name in os.environ if name.startswith("PARCOURS_")]:
    del os.environ[_variable]  # a developer's own settings are not the tests'


@pytest.fixture(autouse=True)
def sdk_speaks_anew() -> None:
    """The SDK warns once a minute a process: each test hears it."""
    speak_anew()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell the processes that share the suite which server was named: it is taken out of the environment above."""
    node.workerinput["clickhouse_url"] = _GIVEN_URL


@pytest.fixture(scope="session")
def clickhouse_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated ClickHouse; tests keep apart by project. Each process that shares the suite has one of its own."""
    given_url = getattr(request.config, "workerinput", {}).get("clickhouse_url") or _GIVEN_URL
    if given_url:
        migrate(given_url)
        yield given_url
        return
    with EngineProcess.start(tmp_path_factory.mktemp("clickhouse")) as engine:
        migrate(engine.url)
        yield engine.url


@pytest.fixture(scope="session")
def clickhouse(clickhouse_url: str) -> Iterator[Client]:
    """A client of the session's ClickHouse."""
    with connect(clickhouse_url) as client:
        yield client


@pytest.fixture
def clickhouse_apart(tmp_path: Path) -> Iterator[Client]:
    """A client of an engine of the test's own: a deletion goes through all parts, and other tests leave many."""
    with EngineProcess.start(tmp_path / "clickhouse-apart") as engine:
        migrate(engine.url)
        with connect(engine.url) as client:
            yield client


_TESTS_A_REFRESH = 12
_tests_since = itertools.count(1)


@pytest.fixture(autouse=True)
def journey_index_keeps_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """The session's ClickHouse has no collector that keeps its index; a question would read what all tests stored."""
    yield
    if "clickhouse" in request.fixturenames and next(_tests_since) % _TESTS_A_REFRESH == 0:
        JourneyIndex(request.getfixturevalue("clickhouse"), linger_seconds=0).refresh()


@pytest.fixture
def project() -> str:
    """A project of the test's own."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def shared_folder() -> Path:
    """Data beside the repository; without it the test is skipped."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder `shared` beside the repository")
    return folder
