"""Ask every case of the files given, each in a fresh ClickHouse, and print a line a case."""

import logging
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import structlog
import typer

from tests.conformance.asking import ask
from tests.conformance.case import read_cases
from tests.conformance.world import Worlds


def main(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="JSON files of cases.")],
    only: Annotated[list[str] | None, typer.Option(help="Ask only the case of this id (again for several).")] = None,
) -> None:
    """Ask every case of FILES, each in a fresh embedded ClickHouse that is filled through the collector's door.

    Prints a line a case and `N passed, M failed` at the end; a declared difference counts as neither. Exit code 1 when
    a case failed.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    passed = failed = differing = 0
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        worlds = Worlds(Path(folder))
        for file in files:
            for case in read_cases(file):
                if only and case.id not in only:
                    continue
                with worlds.fresh() as world:
                    verdict = ask(world, case)
                typer.echo(verdict)
                passed += verdict.passed
                failed += not verdict.passed and verdict.difference is None
                differing += verdict.difference is not None
    typer.echo(f"{passed} passed, {failed} failed" + (f", {differing} declared differences" if differing else ""))
    sys.exit(failed > 0)


if __name__ == "__main__":
    typer.run(main)
