"""The matrix of faults: what was done how often, and what it cost. Rows are added by the tests of the rig."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from tests.faults.ledger import Verdict

_FILE = os.environ.get("FAULTS_MATRIX")


def record(fault: str, rounds: int, verdict: Verdict) -> None:
    """Note a row in the file that FAULTS_MATRIX names, and hold the verdict to the promise."""
    if _FILE:
        with Path(_FILE).open("a") as file:
            file.write(json.dumps({"fault": fault, "rounds": rounds, **asdict(verdict)}) + "\n")
    assert verdict.acknowledged, f"{fault}: nothing was acknowledged, so that nothing is proved"
    assert verdict.is_clean, f"{fault}: {verdict}"


def table(path: Path) -> str:
    """Return the noted rows as a table in Markdown."""
    head = "| fault | rounds | acknowledged | lost | doubled | rejected | letters lost | letters doubled |"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    lines = [
        f"| {row['fault']} | {row['rounds']:,} | {row['acknowledged']:,} | {row['lost']} | {row['doubled']} "
        f"| {row['rejected']:,} | {row['letters_lost']} | {row['letters_doubled']} |"
        for row in rows
    ]
    return "\n".join([head, "|" + "---|" * 8, *lines])


if __name__ == "__main__":
    import sys

    sys.stdout.write(table(Path(sys.argv[1])) + "\n")
