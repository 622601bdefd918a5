"""`parcours demo`: the whole of Parcours on one machine, from `emit` to people, journeys, a funnel and the network."""

import shutil
import signal
import tempfile
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from clickhouse_connect.driver.client import Client

from parcours_collector.atlas import network, questions
from parcours_collector.commands import network_tables, tables
from parcours_collector.commands.demonstration import population, roger
from parcours_collector.commands.demonstration.emission import SOURCES, Emission
from parcours_collector.commands.demonstration.stack import Stack
from parcours_collector.commands.terminal import console, progress_bar
from parcours_collector.commands.up import DEFAULT_PROJECT, ENVIRONMENT_FILE
from parcours_collector.errors import OperatorError
from parcours_collector.intake.registry import Registry
from parcours_collector.intake.shared_file import changing
from parcours_collector.settings import load_settings
from parcours_collector.warehouse.client import ClickHouseUrl, connect
from parcours_collector.warehouse.stitching import stitch

FUNNEL = ("ad_impression", "page_viewed", "product_viewed", "product_added", "order_completed")
"""Off-site, traffic, product, cart, sale."""
WINDOW_SECONDS = 30 * 86_400
_DELIVERY_TIMEOUT_SECONDS = 300.0
_ANCHOR_FILE = "demo-began-at"


class DeliveryStalled(OperatorError):
    """What was acknowledged did not reach ClickHouse in time."""

    tag = "delivery_stalled"
    remedy = "Nothing is lost, it waits in the write-ahead log; parcours.log in the data folder says why."


def demo(
    people: Annotated[
        int, typer.Option(help="How many people live in the demonstration.", min=1, max=1_000_000)
    ] = 5_000,
    seed: Annotated[int, typer.Option(help="The same seed tells the same story.")] = 7,
    once: Annotated[
        bool, typer.Option("--once", help="End when the answers are printed, instead of serving on.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps it all. Default: a temporary one.", show_default=False),
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the collector; 0 = any free one.", min=0, max=65535)] = 0,
    clickhouse_port: Annotated[
        int, typer.Option(help="Port of the embedded ClickHouse; 0 = any free one.", min=0, max=65535)
    ] = 0,
) -> None:
    """Show Parcours at work: one told journey and a population go through the SDK, the collector and ClickHouse.

    Prints one person's timeline, a funnel with its weekly rates and the strongest transitions, then serves until
    Ctrl-C. Without --data everything lives in a temporary folder that is removed at the end; with --data it stays, and
    telling the same story again adds nothing.
    """
    if data is not None:
        data = load_settings(data=data).data
    with ExitStack() as stack:
        folder = data or _temporary_folder(stack)
        running = stack.enter_context(Stack(folder, port=port, clickhouse_port=clickhouse_port))
        for line in running.lines:
            console.print(line, soft_wrap=True)
        started = time.monotonic()
        emitted = _emit_all(running.endpoint, folder, people=people, seed=seed)
        with connect(running.clickhouse_url) as client:
            _wait_for_delivery(client, emitted)
            run = stitch(client)
            _print_answers(client)
        seconds = time.monotonic() - started
        console.print(
            f"{emitted:,} touchpoints emitted, acknowledged, stored and stitched in {seconds:.0f} s "
            f"({run.mode} stitching: {run.edges:,} edges, {run.passes} passes, {run.seconds:.1f} s)."
        )
        if not once:
            _serve(folder, running)


def _temporary_folder(stack: ExitStack) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="parcours-demo-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _emit_all(endpoint: str, folder: Path, *, people: int, seed: int) -> int:
    registry_file = load_settings(data=folder).registry_file
    write_keys = {}
    with changing(registry_file):
        registry = Registry.read(registry_file)
        for source in SOURCES:
            if any(known.name == source and known.revoked_at is None for known in registry.sources):
                registry = registry.without_source(source)
            registry, write_keys[source] = registry.with_source(source, DEFAULT_PROJECT)
        registry.write(registry_file)
    today = _anchor(folder)
    emission = Emission(endpoint, write_keys)
    with progress_bar() as bar:
        task = bar.add_task("people living", total=people)
        for life in population.live(people, seed=seed, start=today - timedelta(weeks=population.WEEKS)):
            for moment in life:
                emission.emit(moment)
            bar.advance(task)
        for moment in roger.tell(today - timedelta(days=today.weekday() + 7)):
            emission.emit(moment)
        bar.add_task("acknowledged by the collector", total=None)
        return emission.finish()


def _anchor(folder: Path) -> datetime:
    """Return the midnight that the story ends at: today's, and the same again for a folder that has heard it."""
    file = folder / _ANCHOR_FILE
    if not file.exists():
        file.write_text(datetime.now(UTC).strftime("%Y-%m-%d"), encoding="utf-8")
    return datetime.strptime(file.read_text(encoding="utf-8"), "%Y-%m-%d").replace(tzinfo=UTC)


def _wait_for_delivery(client: Client, expected: int) -> None:
    deadline = time.monotonic() + _DELIVERY_TIMEOUT_SECONDS
    with progress_bar() as bar:
        task = bar.add_task("stored in ClickHouse", total=expected)
        while (stored := questions.totals(client).touchpoints) < expected:
            bar.update(task, completed=stored)
            if time.monotonic() > deadline:
                raise DeliveryStalled(f"{stored:,} of {expected:,} touchpoints are in ClickHouse.")
            time.sleep(0.2)
        bar.update(task, completed=stored)


def _print_answers(client: Client) -> None:
    totals = questions.totals(client)
    console.print(
        f"\n{totals.touchpoints:,} touchpoints of {totals.kinds} kinds on {totals.channels} channels, "
        f"by {totals.people:,} people\n"
    )
    console.print(tables.timeline_table(questions.person_timeline(client, "user_id", roger.ACCOUNT)))
    console.print()
    console.print(tables.outcomes_table(questions.journey_outcomes(client)))
    console.print()
    console.print(tables.funnel_table(questions.funnel(client, FUNNEL, WINDOW_SECONDS), WINDOW_SECONDS))
    console.print()
    console.print(tables.weekly_table(questions.funnel_weekly(client, FUNNEL, WINDOW_SECONDS), FUNNEL))
    console.print()
    console.print(tables.transitions_table(questions.transitions(client, limit=10)))
    console.print()
    console.print(
        network_tables.black_holes_table(network.black_holes(client, with_value=True, limit=5), with_value=True)
    )
    console.print()
    console.print(network_tables.bright_paths_table(network.bright_paths(client, limit=5)))
    console.print()


def _serve(folder: Path, running: Stack) -> None:
    environment = folder / ENVIRONMENT_FILE
    console.print(f"\nServing until Ctrl-C. In another terminal:  set -a; . {environment}", soft_wrap=True)
    console.print(
        "  then e.g.  parcours funnel product_viewed product_added order_completed --weekly\n"
        f"  or any ClickHouse client at {ClickHouseUrl.parse(running.clickhouse_url).redacted}, "
        f"password in {environment}",
        soft_wrap=True,
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
