"""Draw the dashboard from a real run: a collector with two workers under load, scraped by a real Prometheus.

Every panel of parcours.json is asked of Prometheus as Grafana would ask it, and drawn where the file puts it. Halfway
ClickHouse is stopped for a while, so that the picture shows what an outage looks like. Needs Debian's `prometheus`
and the packages of requirements.txt: `make dashboard`.
"""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from matplotlib import dates, rcParams, ticker
from matplotlib.figure import Figure
from tests.running import CollectorProcess, add_source

from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.migrations import migrate

_HERE = Path(__file__).resolve().parent
_OUT = _HERE.parents[1] / "docs" / "dashboard.png"
_COLUMNS = 24
_CELL_INCHES = (0.72, 0.36)
_SECONDS = 240
_OUTAGE = (110, 150)
_RATE_INTERVAL = "15s"
_INK, _PAPER, _PANEL, _FAINT = "#d8d9da", "#111217", "#181b1f", "#2c3235"
_COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff")
_STAT_COLOURS = {"green": "#73bf69", "orange": "#ff9830", "red": "#f2495c"}


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _event(source: str) -> dict[str, Any]:
    wrong = random.random() < 0.02
    return {
        "id": str(uuid.uuid4()),
        "name": "product_viewed" if random.random() > 0.004 else "no_such_thing",
        "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "ids": {"anonymous_id": f"{source}-{random.randrange(20_000)}", "user_id": f"u{random.randrange(8_000)}"},
        "properties": {
            "product_id": f"p-{random.randrange(99)}",
            "price": "cheap" if wrong else "9.90",
            "currency": "EUR",
        },
    }


async def _load(endpoint: str, keys: dict[str, str], began: float) -> None:
    """Send batches from every source, in waves, until the time is over."""

    async def send(source: str, key: str, per_second: float) -> None:
        async with aiohttp.ClientSession() as session:
            while (passed := time.monotonic() - began) < _SECONDS:
                wave = 1 + 0.5 * ((passed // 60) % 2) + 0.2 * random.random()
                batch = [_event(source) for _ in range(max(1, int(per_second * wave / 2)))]
                if random.random() < 0.15:
                    batch.append(batch[0])
                async with session.post(
                    f"{endpoint}/v1/touchpoints",
                    data=orjson.dumps(batch),
                    headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
                ) as response:
                    await response.read()
                await asyncio.sleep(0.5)

    rates = {"shop-web": 400.0, "shop-app": 250.0, "tills": 90.0, "crm": 30.0}
    await asyncio.gather(*(send(source, key, rates[source]) for source, key in keys.items()))


async def _outage(engine: EngineProcess, began: float) -> None:
    await asyncio.sleep(began + _OUTAGE[0] - time.monotonic())
    engine_pid = engine.pid
    os.kill(engine_pid, signal.SIGSTOP)
    await asyncio.sleep(_OUTAGE[1] - _OUTAGE[0])
    os.kill(engine_pid, signal.SIGCONT)


def _series(
    port: int, expression: str, legend: str, start: float, end: float
) -> list[tuple[str, list[float], list[float]]]:
    asked = expression.replace("$__rate_interval", _RATE_INTERVAL).replace("$instance", ".*")
    query = urllib.parse.urlencode({"query": asked, "start": start, "end": end, "step": 2})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query_range?{query}") as answer:
        found = json.load(answer)["data"]["result"]
    lines = []
    for one in found:
        label = legend
        for name, value in one["metric"].items():
            label = label.replace("{{" + name + "}}", value)
        points = [(at, float(value)) for at, value in one["values"] if value != "NaN"]
        lines.append((label, [at for at, _ in points], [value for _, value in points]))
    return sorted(lines)


def _shown(value: float, unit: str) -> str:
    match unit:
        case "s":
            return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
        case "bytes":
            for name in ("B", "KiB", "MiB", "GiB"):
                if value < 1024:
                    return f"{value:.3g} {name}"
                value /= 1024
            return f"{value:.3g} TiB"
        case "cps" | "rowsps" | "reqps":
            return f"{value:,.3g}/s" if value < 1000 else f"{value / 1000:.3g} k/s"
        case _:
            return f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"


def _draw(port: int, start: float, end: float) -> None:
    board = json.loads((_HERE / "parcours.json").read_text())
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    size = (_COLUMNS * _CELL_INCHES[0], (height + 2) * _CELL_INCHES[1])
    figure = Figure(figsize=size, facecolor=_PAPER)
    rcParams.update({"font.size": 8, "text.color": _INK, "axes.labelcolor": _INK})
    figure.text(0.008, 1 - 0.9 / (height + 2), board["title"], fontsize=15, weight="bold")
    for panel in board["panels"]:
        place = panel["gridPos"]
        left, bottom = place["x"] / _COLUMNS, 1 - (place["y"] + place["h"] + 2) / (height + 2)
        width, tall = place["w"] / _COLUMNS, place["h"] / (height + 2)
        if panel["type"] == "row":
            figure.text(left + 0.008, bottom + tall * 0.3, "▾ " + panel["title"], fontsize=10, weight="bold")
            continue
        lines = [
            line
            for target in panel["targets"]
            for line in _series(port, target["expr"], target["legendFormat"], start, end)
        ]
        frame = figure.add_axes((left + 0.003, bottom + tall * 0.02, width - 0.006, tall * 0.96), facecolor=_PANEL)
        frame.set(xticks=[], yticks=[])
        frame.text(0.02, 0.95, panel["title"], va="top", transform=frame.transAxes, fontsize=9, weight="bold")
        for spine in frame.spines.values():
            spine.set_color(_FAINT)
        defaults = panel["fieldConfig"]["defaults"]
        if panel["type"] == "stat":
            _draw_stat(frame, lines, defaults)
        else:
            axes = figure.add_axes(
                (left + width * 0.13, bottom + tall * 0.24, width * 0.84, tall * 0.56), facecolor=_PANEL
            )
            _draw_lines(axes, lines, defaults)
    figure.savefig(_OUT, dpi=72, facecolor=_PAPER, pil_kwargs={"optimize": True})


def _draw_stat(frame: Any, lines: list[tuple[str, list[float], list[float]]], defaults: dict[str, Any]) -> None:
    value = lines[0][2][-1] if lines and lines[0][2] else float("nan")
    colour = "green"
    for step in defaults["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            colour = step["color"]
    said = _shown(value, defaults["unit"])
    frame.text(
        0.5,
        0.45,
        said,
        ha="center",
        va="center",
        fontsize=19,
        color=_STAT_COLOURS[colour],
        weight="bold",
        transform=frame.transAxes,
    )


def _draw_lines(axes: Any, lines: list[tuple[str, list[float], list[float]]], defaults: dict[str, Any]) -> None:
    if not lines:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "none", ha="center", color="#9fa7b3", transform=axes.transAxes)
        return
    stacked = defaults["custom"]["stacking"]["mode"] == "normal"
    below: dict[float, float] = {}
    for number, (label, ats, values) in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        instants = [datetime.fromtimestamp(at, UTC) for at in ats]
        floor = [below.get(at, 0.0) if stacked else 0.0 for at in ats]
        tops = [base + value for base, value in zip(floor, values, strict=True)]
        axes.plot(instants, tops, color=colour, linewidth=1.3, label=label)
        axes.fill_between(instants, floor, tops, color=colour, alpha=0.25 if stacked else 0.08, linewidth=0)
        if stacked:
            below.update(zip(ats, tops, strict=True))
    axes.set_ylim(bottom=0)
    if not any(value for _, _, values in lines for value in values):
        axes.set_ylim(0, 1)
    axes.yaxis.set_major_locator(ticker.MaxNLocator(4))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _place: _shown(value, defaults["unit"])))
    axes.xaxis.set_major_locator(dates.SecondLocator(bysecond=[0]))
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M"))
    axes.tick_params(colors="#9fa7b3", labelsize=7, length=0)
    axes.grid(color=_FAINT, linewidth=0.6)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if lines:
        axes.legend(loc="upper left", bbox_to_anchor=(-0.12, -0.13), ncols=5, frameon=False, fontsize=7, handlelength=1)


def main() -> None:
    """Run everything for four minutes and write docs/dashboard.png."""
    with tempfile.TemporaryDirectory() as folder, EngineProcess.start(Path(folder) / "clickhouse") as engine:
        data = Path(folder) / "collector"
        data.mkdir()
        migrate(engine.url)
        keys = {name: add_source(data, name, "shop").write_key for name in ("shop-web", "shop-app", "tills", "crm")}
        with CollectorProcess(data, engine.url, workers=2) as collector:
            port = _free_port()
            (Path(folder) / "prometheus.yml").write_text(
                "global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: parcours\n    static_configs:\n"
                f'      - targets: ["127.0.0.1:{collector.port}"]\n'
            )
            prometheus = subprocess.Popen(
                ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                 f"--web.listen-address=127.0.0.1:{port}"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                began, start = time.monotonic(), time.time()

                async def run() -> None:
                    await asyncio.gather(_load(collector.endpoint, keys, began), _outage(engine, began))

                asyncio.run(run())
                _draw(port, start + 10, time.time())
            finally:
                prometheus.terminate()
                prometheus.wait(30)
    sys.stdout.write(f"{_OUT}\n")


if __name__ == "__main__":
    main()
