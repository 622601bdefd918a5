"""`python -m benchmarks.life_and_end [--peers [PYTHON]]`: what becomes of touchpoints, by the way their process ends.

The same script (`benchmarks/peers/life.py`) lives and ends with each SDK against the same server, which answers each
after 20 ms as its own collector would and counts the marks that come. Then the same program starts once more and emits
nothing: what arrives now was kept on disk. Emitted, delivered by the first life, spooled (delivered by the next start)
and duplicated are printed, a table an SDK; what is missing is lost. `outage` answers 503 during the first life.

PYTHON is an interpreter with the peers installed; without it, this one. An SDK that is not installed is left out.
"""

import argparse
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_LIFE = Path(__file__).parent / "peers" / "life.py"
_OURS = ("parcours", "parcours_spool")
_PEERS = {
    "posthog": "posthog",
    "segment": "segment.analytics",
    "rudder": "rudderstack.analytics",
    "snowplow": "snowplow_tracker",
    "mixpanel": "mixpanel",
    "amplitude": "amplitude",
}
_WAYS = {
    "exits": "normal exit",
    "threads": "four threads, normal exit",
    "asyncio": "asyncio, normal exit",
    "uvloop": "asyncio on uvloop, normal exit",
    "at_exit": "emits in atexit, at interpreter shutdown",
    "fork": "fork; child and parent exit",
    "fork_leaves": "fork; child by os._exit, parent exits",
    "preload": "made before fork, worker works 3 s, SIGTERM",
    "multiprocessing": "multiprocessing (fork)",
    "spawn": "multiprocessing (spawn)",
    "leaves": "os._exit",
    "terminated": "SIGTERM",
    "killed": "kill -9",
    "outage": "collector away, normal exit",
}
_TIMES = {"threads": 4, "fork": 2, "fork_leaves": 2, "multiprocessing": 2}
_MARK = re.compile(rb"mark-[a-z0-9]+-[0-9]+")
_ANSWER_SECONDS = 0.02
_LIFE_SECONDS = 60.0
_LATE_SECONDS = 0.3
"""What was on its way when the process ended is delivered by it."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the touchpoints of one life."""

    emitted: int
    delivered: int
    spooled: int
    duplicated: int
    seconds: float
    hung: bool

    @property
    def lost(self) -> int:
        return self.emitted - self.delivered - self.spooled


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Whoever asked has died meanwhile, as is the point."""


class Sink:
    """One server for every SDK: it counts marks and answers what each wants to hear."""

    def __init__(self) -> None:
        self.marks: Counter[bytes] = Counter()
        self.away = False
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer in one packet: two would wait for each other

            def do_POST(self) -> None:
                sink.answer(self)

            def do_GET(self) -> None:
                sink.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Count what a request holds, and answer it."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if body.startswith(b"\x1f\x8b"):
            body = gzip.decompress(body)
        time.sleep(_ANSWER_SECONDS)
        marks = _MARK.findall(body)
        if self.away:
            status, said = 503, b'{"error":"not now"}'
        else:
            self.marks.update(marks)
            status, said = 200, _receipt(request.path, len(marks))
        try:
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(said)))
            request.end_headers()
            request.wfile.write(said)
        except OSError:
            return  # whoever asked has died meanwhile, as is the point


def _receipt(path: str, count: int) -> bytes:
    match path.partition("?")[0].strip("/"):
        case "v1/touchpoints":
            return json.dumps({"accepted": count, "duplicate": 0, "rejected": []}).encode()
        case "2/httpapi":
            return json.dumps({"code": 200, "events_ingested": count}).encode()
        case "track":
            return b'{"status":1,"error":null}'
        case "v1/batch":
            return b'{"success":true}'
        case _:
            return b'{"status":1}'


def live(python: str, sdk: str, end: str, count: int) -> Fate:
    """Have one process live and end, start it again, and say what became of what it emitted."""
    sink = Sink()
    sink.away = end == "outage"
    with tempfile.TemporaryDirectory() as folder:
        spool = folder if sdk == "parcours_spool" else ""
        started = time.monotonic()
        hung = not _run([python, str(_LIFE), sdk, sink.url, end, str(count), spool])
        seconds = time.monotonic() - started
        time.sleep(_LATE_SECONDS)
        sink.away = False
        delivered = len(sink.marks)
        _run([python, str(_LIFE), sdk, sink.url, "again", "0", spool])
    return Fate(
        emitted=count * _TIMES.get(end, 1),
        delivered=delivered,
        spooled=len(sink.marks) - delivered,
        duplicated=sink.marks.total() - len(sink.marks),
        seconds=seconds,
        hung=hung,
    )


def _run(command: Sequence[str]) -> bool:
    """Run a life to its end; return whether it found one within the time."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env=_environment()
    )
    try:
        process.wait(_LIFE_SECONDS)
    except subprocess.TimeoutExpired:
        # It and its children: they are alone in their session.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False
    return True


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PARCOURS_", "PYTHON"))}


def _installed(python: str, module: str) -> bool:
    return subprocess.run([python, "-c", f"import {module}"], check=False, capture_output=True).returncode == 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for, and print the tables as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.life_and_end", description=__doc__)
    parser.add_argument("--peers", nargs="?", const=sys.executable, metavar="PYTHON", help="the peers too")
    parser.add_argument("--count", type=int, default=300, help="touchpoints a life")
    parser.add_argument("--only", nargs="+", choices=[*_OURS, *_PEERS], help="these SDKs")
    options = parser.parse_args(arguments)
    sides = dict.fromkeys(_OURS, sys.executable)
    if options.peers:
        sides |= {sdk: options.peers for sdk, module in _PEERS.items() if _installed(options.peers, module)}
    for sdk, python in sides.items():
        if options.only and sdk not in options.only:
            continue
        print(f"\n{sdk}\n\n| way to end | emitted | delivered | spooled | duplicated | lost | took |")
        print("|---|---|---|---|---|---|---|", flush=True)
        for end, way in _WAYS.items():
            fate = live(python, sdk, end, options.count)
            took = "never ended" if fate.hung else f"{fate.seconds:.1f} s"
            row = (way, fate.emitted, fate.delivered, fate.spooled, fate.duplicated, fate.lost, took)
            print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
