"""The documents as what they promise: fenced examples in order, what each prints, and the tables that are generated.

Conventions, all visible in the source of a page:

- `python`, `sh` and `sql` fences are run, in order, against one running `parcours up`. They share a folder in which
  `parcours-data` is its data folder; the environment is that of `parcours.env`.
- A `text` fence after one is what it prints. `…` in it stands for anything on that line.
- `<!-- file: PATH -->` before a fence: it is the content of that file. `<!-- not run: REASON -->`: it is only read.
- `<!-- generated: NAME -->` … `<!-- end -->`: written by a function of `tests/document_tables.py`.

`python -m tests.documents` writes what the examples print, and the generated tables, into the pages.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clickhouse_connect.driver.client import Client

from parcours_collector.commands.demonstration.stack import Stack
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.stitching import stitch
from tests.document_tables import TABLES
from tests.running import wait_until

ROOT = Path(__file__).resolve().parents[1]
EXECUTED = (
    "README.md",
    "docs/schemas.md",
    "docs/collector.md",
    "docs/operations.md",
    "docs/privacy.md",
    "docs/import.md",
    "docs/views.md",
    "docs/identity.md",
)
"""The pages whose examples run here; those of docs/sdk.md run in test_docs_sdk.py."""

_FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[a-z ]+): (?P<of>[^\n]*?) ?-->\n+)?```(?P<language>\w*)\n(?P<content>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_GENERATED = re.compile(r"(<!-- generated: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_STATEMENT_END = re.compile(r";[ \t]*$", re.MULTILINE)
_READS = re.compile(r"(?:--[^\n]*\n|\s)*(?:SELECT|WITH|SHOW|DESCRIBE)\b")
_AS_ON_A_TERMINAL = {"output_format_pretty_row_numbers": 0, "output_format_pretty_color": 0}
_COLUMNS = "110"
_TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Fence:
    """A fenced block: its mark (`file`, `not run` or none) with what the mark says, and where it stands."""

    page: str
    line: int
    language: str
    content: str
    mark: str
    of: str
    span: tuple[int, int]

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Example:
    """What is run, or written as a file, and the fence that shows what it prints, if there is one."""

    source: Fence
    shown: Fence | None


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def fences(page: str) -> list[Fence]:
    text = text_of(page)
    return [
        Fence(
            page,
            text.count("\n", 0, found.start("language")) + 1,
            found["language"],
            found["content"],
            found["mark"] or "",
            found["of"] or "",
            found.span("content"),
        )
        for found in _FENCE.finditer(text)
    ]


def examples(page: str) -> list[Example]:
    """The examples of a page in order; a fence of text belongs to the one before it."""
    found: list[Example] = []
    for fence in fences(page):
        if fence.language != "text" or fence.mark:
            found.append(Example(fence, None))
            continue
        assert found, f"{fence.place}: a result without an example"
        assert found[-1].shown is None, f"{fence.place}: a second result of one example"
        found[-1] = Example(found[-1].source, fence)
    return found


def agrees(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed; `…`, with the blanks before it, stands for anything on its line."""
    wanted = r"[^\n]*".join(map(re.escape, re.split(" *…", _tidy(shown))))
    return re.fullmatch(wanted, _tidy(printed)) is not None


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


class Workshop:
    """One running stack, and a folder for each page in which its examples run in order."""

    def __init__(self, stack: Stack, data: Path, folder: Path) -> None:
        self.stack = stack
        self._data = data
        self._folder = folder
        environment = dict(line.split("=", 1) for line in (data / "parcours.env").read_text("utf-8").splitlines())
        self.environment = {
            **os.environ,
            **environment,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": _COLUMNS,
        }

    def run_page(self, page: str) -> Iterator[tuple[Example, str]]:
        """Run the examples of a page in order and yield what each prints."""
        folder = self._folder / page.replace("/", "-")
        folder.mkdir()
        (folder / "parcours-data").symlink_to(self._data)
        for example in examples(page):
            if example.source.mark != "not run":
                yield example, self._run(example.source, folder)

    def _run(self, fence: Fence, folder: Path) -> str:
        if fence.mark == "file":
            file = folder / fence.of
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(fence.content, encoding="utf-8")
            return ""
        match fence.language:
            case "python":
                return self._process(fence, folder, sys.executable, "-W", "error", "-c", fence.content)
            case "sh":
                return self._process(fence, folder, "bash", "-euo", "pipefail", "-c", fence.content)
            case "sql":
                self.wait_until_stitched()
                with connect(self.stack.clickhouse_url) as client:
                    return "".join(_answer(client, one) for one in _STATEMENT_END.split(fence.content) if one.strip())
            case language:
                raise AssertionError(f"{fence.place}: nobody runs {language or 'a fence without a language'}")

    def _process(self, fence: Fence, folder: Path, *command: str) -> str:
        process = subprocess.Popen(
            command, cwd=folder, env=self.environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            printed, errors = process.communicate(timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with what it started
            process.communicate()
            raise
        assert process.returncode == 0, f"{fence.place} failed:\n{printed}{errors}"
        assert fence.language != "python" or not errors, f"{fence.place} complains:\n{errors}"
        return printed

    def wait_until_stitched(self) -> None:
        """Return when all that was acknowledged is in ClickHouse and its people are joined."""
        wait_until(lambda: self.metrics()["parcours_delivery_pending_bytes"] == 0)
        with connect(self.stack.clickhouse_url) as client:
            stitch(client)

    def metrics(self) -> dict[str, float]:
        """The readings of the collector that have no labels, by name."""
        lines = (line.split() for line in self.exposition().splitlines() if line[0] != "#" and "{" not in line)
        return {name: float(value) for name, value in lines}

    def exposition(self) -> str:
        with urllib.request.urlopen(f"{self.stack.endpoint}/metrics", timeout=10) as answer:
            return str(answer.read(), "utf-8")


@contextmanager
def workshop(folder: Path) -> Iterator[Workshop]:
    """Start the stack in a folder, for a `with` block."""
    data = folder / "parcours-data"
    with Stack(data, port=0, clickhouse_port=0) as stack:
        yield Workshop(stack, data, folder)


def _answer(client: Client, statement: str) -> str:
    if _READS.match(statement):
        printed = client.raw_query(statement, fmt="PrettyCompactMonoBlock", settings=_AS_ON_A_TERMINAL)
        return str(printed, "utf-8")
    client.command(statement)
    return ""


def with_tables(text: str) -> str:
    """The text of a page with its generated tables as they should be."""
    return _GENERATED.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[4]}", text)


def generated_names(text: str) -> set[str]:
    return {found[2] for found in _GENERATED.finditer(text)}


def _write_again(folder: Path) -> None:
    with workshop(folder) as shop:
        for page in EXECUTED:
            text = text_of(page)
            for example, printed in reversed(list(shop.run_page(page))):
                if example.shown is not None and not agrees(example.shown.content, printed):
                    start, end = example.shown.span
                    text = f"{text[:start]}{_tidy(printed)}\n{text[end:]}"
            (ROOT / page).write_text(with_tables(text), encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        _write_again(Path(temporary))
