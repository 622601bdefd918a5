"""The pytest plugin: the fixture `touchpoints`, the marker `parcours_network` and the setting `parcours_network`.

It changes nothing for a test that asks for none of them, and loads nothing of the SDK before one does.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parcours.answer import SendResult
    from parcours.outgoing import Outgoing
    from parcours.testing import Touchpoints
    from parcours.transport import Send

_MARKER = "parcours_network"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting."""
    parser.addini(
        _MARKER,
        "what becomes of touchpoints that a test sends without the fixture `touchpoints`: "
        "`allow` (default), or `refuse` to drop them and fail the test",
        default="allow",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and guard the network where the setting asks for it."""
    config.addinivalue_line("markers", f"{_MARKER}: touchpoints of this test may be sent over the network")
    setting = config.getini(_MARKER)
    if setting == "refuse":
        config.pluginmanager.register(_NetworkGuard(), "parcours-network-guard")
    elif setting != "allow":
        raise pytest.UsageError(f"{_MARKER} is {setting!r}: set it to allow or refuse")


@pytest.fixture
def touchpoints(request: pytest.FixtureRequest) -> "Generator[Touchpoints, None, None]":
    """Every touchpoint that this test emits, recorded instead of sent; with the marker, recorded and sent."""
    from parcours.testing import RecordingTransport, Touchpoints

    network = request.node.get_closest_marker(_MARKER) is not None
    with RecordingTransport(network=network) as transport:
        yield Touchpoints(transport)


class _NetworkGuard:
    """Drop what would reach the network from a test without the marker, and fail that test."""

    def __init__(self) -> None:
        self._allowed = False
        self._refused = 0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        from parcours.transport import intercept

        with intercept(self._intercept, isolated=True):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        from parcours.transport import intercept

        self._allowed = item.get_closest_marker(_MARKER) is not None
        try:
            with intercept(self._intercept, isolated=not self._allowed):
                return (yield)
        finally:
            self._allowed = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        from parcours.testing.recording import settle

        result = yield
        if not self._allowed:
            settle(timeout_seconds=1.0)
        refused, self._refused = self._refused, 0
        if refused:
            pytest.fail(
                f"Touchpoints would have been sent over the network ({refused}). "
                f"Ask for the fixture `touchpoints` to record them, or mark the test with {_MARKER}.",
                pytrace=False,
            )
        return result

    async def _intercept(self, events: "Sequence[Outgoing]", send: "Send") -> "SendResult":
        from parcours.answer import Answered, Rejection

        if self._allowed:
            return await send(events)
        self._refused += len(events)
        detail = "The network is refused in this test."
        return Answered(tuple(Rejection(index, "network_refused", "", detail) for index in range(len(events))))
