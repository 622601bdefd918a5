"""`parcours clickhouse`: the embedded ClickHouse alone, on one folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from parcours_collector.errors import OperatorError
from parcours_collector.warehouse.embedded.errors import EngineError
from parcours_collector.warehouse.embedded.folder import READY_FILE, DataFolder
from parcours_collector.warehouse.embedded.options import EngineOptions, Limits

_DEFAULTS = Limits()


def clickhouse(
    data: Annotated[Path, typer.Option(help="Folder of the engine; made when missing.")] = Path(
        "parcours-data/clickhouse"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 = any free one.")] = 8123,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="Name accepted in the Host header besides IP addresses and localhost; repeatable."),
    ] = None,
    max_memory_bytes: Annotated[
        int, typer.Option(min=1 << 26, help="Memory of one query.")
    ] = _DEFAULTS.max_memory_bytes,
    max_server_memory_bytes: Annotated[
        int, typer.Option(min=1 << 27, help="Memory of all queries together.")
    ] = _DEFAULTS.max_server_memory_bytes,
    max_execution_seconds: Annotated[int, typer.Option(min=0, help="Time of one query; 0 = no limit.")] = (
        _DEFAULTS.max_execution_seconds
    ),
    max_concurrent_queries: Annotated[int, typer.Option(min=1, max=1024, help="Queries at the same time.")] = (
        _DEFAULTS.max_concurrent_queries
    ),
    stop_with_parent: Annotated[
        bool, typer.Option("--stop-with-parent", help="Stop when standard input ends, for supervisors.")
    ] = False,
) -> None:
    """Serve ClickHouse's HTTP interface around chDB. Passwords and URL stand in DATA/clickhouse.env (mode 600)."""
    import uvloop

    from parcours_collector.warehouse.embedded.server import serve

    options = EngineOptions(
        data=data,
        host=host,
        port=port,
        allowed_hosts=frozenset(name.lower() for name in allowed_host or ()),
        limits=Limits(
            max_memory_bytes=max_memory_bytes,
            max_server_memory_bytes=max_server_memory_bytes,
            max_execution_seconds=max_execution_seconds,
            max_concurrent_queries=max_concurrent_queries,
        ),
    )
    try:
        with DataFolder.open(data) as folder:

            def announce(address: str) -> None:
                typer.echo(f"ClickHouse (embedded): http://{address} · URL with password: {folder.path / READY_FILE}")

            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve(options, folder, announce, stop_with_parent=stop_with_parent))
    except OperatorError as error:
        typer.echo(f"parcours clickhouse: {error}", err=True)
        raise typer.Exit(error.exit_status) from None
    except (EngineError, OSError) as error:
        typer.echo(f"parcours clickhouse: cannot open {data}: {error}", err=True)
        raise typer.Exit(1) from None
