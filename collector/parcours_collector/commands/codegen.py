"""`parcours schemas codegen`: typed classes from a tracking plan."""

from pathlib import Path
from typing import Annotated

import typer

from parcours_collector.commands.terminal import console
from parcours_collector.errors import OperatorError
from parcours_schemas.codegen import FIRST_LINE, generate
from parcours_schemas.errors import InvalidPlan, MissingExtra


def codegen(
    plan: Annotated[Path, typer.Argument(metavar="PLAN_DIR", help="Folder of JSON Schema files.")],
    out: Annotated[Path, typer.Option("--out", help="Python file to write, such as my_touchpoints.py.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 when the file is not what would be written.")
    ] = False,
) -> None:
    """Write a tracking plan as a Python module of typed touchpoints, which mypy checks."""
    if not plan.is_dir():
        raise OperatorError(f"{plan} is not a folder.", remedy="Give the folder of your JSON Schema files.")
    try:
        module = generate({file.name: file.read_bytes() for file in plan.glob("*.json")}).encode()
    except (InvalidPlan, MissingExtra) as error:
        raise OperatorError(f"No classes can be made of {plan}: {error}") from error
    present = out.read_bytes() if out.is_file() else None
    if check:
        if present != module:
            what = "is not there" if present is None else "is not what the plan says"
            console.print(f"{out} {what}: run `parcours schemas codegen {plan} --out {out}`", soft_wrap=True)
            raise typer.Exit(1)
        console.print(f"{out} is up to date", soft_wrap=True)
        return
    if present is not None and not present.startswith(FIRST_LINE.encode()):
        raise OperatorError(f"{out} was not written by this command.", remedy="Give another file, or remove it.")
    out.write_bytes(module)
    console.print(f"wrote {out}", soft_wrap=True)
