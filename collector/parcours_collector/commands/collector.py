"""`parcours collector`: accept touchpoints and deliver them to a ClickHouse that runs elsewhere."""

import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from parcours_collector.commands.options import ClickHouseUrlOption, DataOption, HostOption, PlanOption, PortOption
from parcours_collector.commands.terminal import console
from parcours_collector.logs import configure_logs
from parcours_collector.plans import read_plan
from parcours_collector.settings import PREFIX, Settings, load_settings


def collector(
    data: DataOption = None,
    host: HostOption = None,
    port: PortOption = None,
    plan: PlanOption = None,
    clickhouse_url: ClickHouseUrlOption = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=0,
            max=64,
            help="Processes on the port, each with a log of its own, under one that starts them again when they die "
            "and replaces them at SIGHUP. Default: 0, which works by itself.",
            show_default=False,
        ),
    ] = None,
    berth: Annotated[
        str | None, typer.Option("--berth", hidden=True, help="A worker's place, given by its supervisor.")
    ] = None,
) -> None:
    """Accept touchpoints over HTTP, keep them on disk, and deliver them to ClickHouse.

    ClickHouse may be away, at the start too: touchpoints wait in the log. Make write keys with `parcours keys create`.
    SIGTERM finishes the requests under way and delivers what it can; the rest goes out at the next start. With workers,
    SIGHUP replaces them one by one and no request is refused.
    """
    settings = load_settings(data=data, host=host, port=port, plan=plan, clickhouse_url=clickhouse_url, workers=workers)
    configure_logs(settings.log_format)
    os.umask(0o077)  # what is written here is about people
    if berth is not None:
        from parcours_collector.app import run_worker
        from parcours_collector.supervising.berth import Berth

        run_worker(settings, Berth.parse(berth))
    elif settings.workers:
        given = {"DATA": data, "HOST": host, "PLAN": plan, "CLICKHOUSE_URL": clickhouse_url}
        _supervise(settings, {key: value for key, value in given.items() if value is not None})
    else:
        from parcours_collector.app import run_collector

        run_collector(
            settings,
            on_ready=lambda running: _announce(running.endpoint),
        )


def _supervise(settings: Settings, given: dict[str, str | Path]) -> NoReturn:
    from parcours_collector.supervising.__main__ import become_supervisor
    from parcours_collector.supervising.listeners import open_listeners

    settings.require_clickhouse_url()
    read_plan(settings.plan)
    listeners = open_listeners(settings.host, settings.port, settings.workers)
    port = listeners[0].getsockname()[1]
    # Workers read environment and file anew, so that a replacement brings what was changed in the file meanwhile;
    # what was given as an option goes on.
    environment = {**os.environ, **{f"{PREFIX}{key}": str(value) for key, value in given.items()}}
    environment[f"{PREFIX}PORT"] = str(port)
    become_supervisor(
        listeners,
        environment,
        endpoint=f"http://{settings.host}:{port}",
        end_seconds=settings.shutdown_seconds + settings.http.linger_seconds + _MARGIN_SECONDS,
        log_format=settings.log_format,
    )


_MARGIN_SECONDS = 15.0
"""For what a worker finishes before it delivers: the requests under way, a run of stitching."""


def _announce(endpoint: str) -> None:
    console.print(f"collector listens on {endpoint}", soft_wrap=True)
