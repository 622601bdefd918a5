"""The tree of commands, and how each of them fails: one clear line on standard error, exit status 2."""

import os
import sys

import typer
from clickhouse_connect.driver.exceptions import DatabaseError

from parcours_collector.commands.clickhouse import clickhouse
from parcours_collector.commands.collector import collector
from parcours_collector.commands.columns import columns
from parcours_collector.commands.demo import demo
from parcours_collector.commands.doctor import doctor
from parcours_collector.commands.drain import drain
from parcours_collector.commands.forget import forget
from parcours_collector.commands.funnel import funnel
from parcours_collector.commands.identity import identity
from parcours_collector.commands.import_file import import_file
from parcours_collector.commands.index import index
from parcours_collector.commands.journeys import journeys
from parcours_collector.commands.keys import keys
from parcours_collector.commands.migrate import migrate
from parcours_collector.commands.network import network
from parcours_collector.commands.person import person
from parcours_collector.commands.replay import replay
from parcours_collector.commands.retention import retention
from parcours_collector.commands.schemas import schemas
from parcours_collector.commands.stitch import stitch
from parcours_collector.commands.up import up
from parcours_collector.errors import CollectorError, OperatorError, WarehouseForbids

_FORBIDDEN = {164, 497}
"""READONLY and ACCESS_DENIED."""

app = typer.Typer(
    name="parcours",
    help=(
        "Customer-journey event tracking: emit touchpoints, keep them with a promise, "
        "stitch them into people and journeys in ClickHouse."
    ),
    epilog="Start with `parcours demo`. Settings come from options, PARCOURS_… variables and parcours.toml.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(up)
app.command()(demo)
app.command()(collector)
app.command()(clickhouse)
app.command()(migrate)
app.command()(stitch)
app.command()(funnel)
app.command()(network)
app.command()(person)
app.command()(forget)
app.command("import")(import_file)
app.command()(replay)
app.command()(drain)
app.add_typer(keys, name="keys")
app.add_typer(index, name="index")
app.add_typer(identity, name="identity")
app.add_typer(journeys, name="journeys")
app.add_typer(retention, name="retention")
app.add_typer(schemas, name="schemas")
app.add_typer(columns, name="columns")
app.command()(doctor)


def run() -> None:
    """Run the command line."""
    try:
        _run()
    except CollectorError as error:
        sys.stderr.write(f"parcours: {error}\n")
        sys.exit(error.exit_status if isinstance(error, OperatorError) else 1)
    except BrokenPipeError:
        # The reader of our output went away, as `head` does; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def _run() -> None:
    try:
        app()
    except DatabaseError as error:
        if error.code not in _FORBIDDEN:
            raise
        raise WarehouseForbids(f"ClickHouse refused ({error.name or error.code}).") from None
