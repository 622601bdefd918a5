"""`python -m benchmarks [NAME …] [--quick] [--json FILE]`: measure, and print one table at the end.

Every figure is a ratio between Parcours and something run beside it in the same rounds of the same run: only that
travels from one machine to another.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.rig.figure import Outcome, Size, Void
from benchmarks.rig.machine import machine_facts
from benchmarks.rig.report import print_table, write_json
from benchmarks.rig.rounds import say

BENCHMARKS = (
    *("collector_intake", "collector_promise", "collector_outage", "delivery", "funnel", "journeys", "stitching"),
    *("sdk_emit", "sdk_host"),
)
"""Modules of this package; each has a docstring that explains it, and `run(size) -> Outcome`."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for; exit with status 1 when one of it is void, the others are still shown."""
    parser = _parser()
    options = parser.parse_args(arguments)
    names = tuple(dict.fromkeys(options.names)) or BENCHMARKS
    for name in names:
        if name not in BENCHMARKS:
            parser.error(f"no benchmark is called {name}: they are {', '.join(BENCHMARKS)}")
    facts = machine_facts()
    outcomes: dict[str, Outcome] = {}
    is_void = False
    for name in names:
        say(f"{name} begins")
        try:
            outcomes[name] = import_module(f"benchmarks.{name}").run(options.size)
        except (Void, RuntimeError) as error:
            outcomes[name] = Outcome((), (f"void: {error}",))
            is_void = True
    print_table(outcomes, facts, options.size)
    say(f"every round is in {write_json(outcomes, facts, options.size, options.json)}")
    if is_void:
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    explained = "\n".join(f"  {name:<18}{_promise(name)}" for name in BENCHMARKS)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=f"benchmarks:\n{explained}\n\nThe docstring of each module says what is measured, against what, and "
        "why that is fair;\nbenchmarks/README.md how to read the table.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all when none")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument(
        "--quick", dest="size", action="store_const", const=Size.QUICK, help="a tenth of the work, fewer rounds"
    )
    sizes.add_argument(
        "--smoke", dest="size", action="store_const", const=Size.SMOKE, help="only prove that they run: no figures"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write every round; benchmarks/results/…")
    parser.set_defaults(size=Size.FULL)
    return parser


def _promise(name: str) -> str:
    source = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
    return source.removeprefix('"""').partition("\n")[0]


if __name__ == "__main__":
    # Ended from outside, it ends as Ctrl-C does: servers are stopped and their folders removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
