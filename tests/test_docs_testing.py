"""Every example of docs/testing.md runs, and its table names every fault."""

import importlib
import re
from pathlib import Path

import pytest

from parcours.testing import Fault

pytest_plugins = ["pytester"]
for _loaded in ("aiohttp.web", "parcours.testing.assertions"):
    importlib.import_module(_loaded)  # else each suite inside would load it anew

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "testing.md").read_text(encoding="utf-8")
FIXTURE, UNITTEST, COLLECTOR = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
(INI,) = re.findall(r"^```ini\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
(FAILURE,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
WITHOUT = ("-p", "no:asyncio", "-p", "no:timeout")


@pytest.mark.parametrize("example", [FIXTURE, UNITTEST], ids=["pytest", "unittest"])
def test_an_example_of_a_test_passes_in_a_suite_of_its_own(example: str, pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)
    pytester.makepyfile(example)
    pytester.runpytest_inprocess(*WITHOUT).assert_outcomes(passed=1)


def test_the_failure_shown_is_the_failure_seen(pytester: pytest.Pytester) -> None:
    changed = FIXTURE.replace('order_id="o-1", total=Decimal("9.90"), ids={"user_id": "u1"}', 'order_id="o-2"')
    assert changed != FIXTURE
    pytester.makepyfile(changed)
    result = pytester.runpytest_inprocess(*WITHOUT)
    result.assert_outcomes(failed=1)
    shown = [line.removeprefix("E").strip() for line in result.outlines if line.startswith("E")]
    assert shown == [line.strip() for line in FAILURE.splitlines()]


def test_the_example_of_a_collector_runs() -> None:
    exec(compile(COLLECTOR, "docs/testing.md", "exec"), {"__name__": "docs_testing"})  # noqa: S102 - our own page


def test_the_page_names_every_fault() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(Fault)
