"""Every Python example of docs/sdk.md runs, and its tables name what exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from parcours import DropReason
from parcours.testing import FaultyCollector

PAGE = (Path(__file__).parent.parent / "docs" / "sdk.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyCollector]:
    with FaultyCollector() as running:
        monkeypatch.setenv("PARCOURS_ENDPOINT", running.endpoint)
        monkeypatch.setenv("PARCOURS_WRITE_KEY", running.write_key)
        monkeypatch.delenv("PARCOURS_DISABLED", raising=False)
        yield running


def run(example: str, capsys: pytest.CaptureFixture[str]) -> str:
    exec(compile(example, "docs/sdk.md", "exec"), {"__name__": "docs_sdk"})  # noqa: S102 - our own page
    return capsys.readouterr().out


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_runs_and_prints_what_it_says(
    example: str, collector: FaultyCollector, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = run(example, capsys)
    assert re.findall(r"# prints: (.*)", example) == printed.splitlines()


def test_the_first_example_delivers_its_three_touchpoints(
    collector: FaultyCollector, capsys: pytest.CaptureFixture[str]
) -> None:
    run(EXAMPLES[0], capsys)
    names = [touchpoint["name"] for touchpoint in collector.touchpoints.values()]
    assert names == ["product_viewed", "identified", "newsletter_subscribed"]


def test_the_page_names_every_reason_of_a_loss() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(DropReason)
