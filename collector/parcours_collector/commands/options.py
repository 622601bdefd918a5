"""Options that several commands share, with one help text each."""

from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Folder of the log, the keys and the embedded engine. Default: parcours-data.",
        show_default=False,
    ),
]
ClickHouseUrlOption = Annotated[
    str | None,
    typer.Option(
        "--clickhouse-url",
        help="http://user:password@host:port. Better set as PARCOURS_CLICKHOUSE_URL: other users can see options.",
        show_default=False,
    ),
]
ProjectOption = Annotated[
    str | None, typer.Option("--project", help="Only this project. Default: all.", show_default=False)
]
HostOption = Annotated[
    str | None, typer.Option("--host", help="Address to listen on. Default: 127.0.0.1.", show_default=False)
]
PortOption = Annotated[
    int | None, typer.Option("--port", help="Port to listen on; 0 = any free one. Default: 8080.", show_default=False)
]
PlanOption = Annotated[
    Path | None, typer.Option("--plan", help="Folder of JSON Schema files: your own touchpoints.", show_default=False)
]
