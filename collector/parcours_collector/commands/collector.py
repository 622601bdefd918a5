"""`parcours collector`: accept touchpoints and deliver them to a ClickHouse that runs elsewhere."""

import os

from parcours_collector.app import run_collector
from parcours_collector.commands.options import ClickHouseUrlOption, DataOption, HostOption, PlanOption, PortOption
from parcours_collector.commands.terminal import console
from parcours_collector.logs import configure_logs
from parcours_collector.settings import load_settings


def collector(
    data: DataOption = None,
    host: HostOption = None,
    port: PortOption = None,
    plan: PlanOption = None,
    clickhouse_url: ClickHouseUrlOption = None,
) -> None:
    """Accept touchpoints over HTTP, keep them on disk, and deliver them to ClickHouse.

    ClickHouse may be away, at the start too: touchpoints wait in the log. Make write keys with `parcours keys create`.
    SIGTERM finishes the requests under way and delivers what it can; the rest goes out at the next start.
    """
    settings = load_settings(data=data, host=host, port=port, plan=plan, clickhouse_url=clickhouse_url)
    configure_logs(settings.log_format)
    os.umask(0o077)  # what is written here is about people
    run_collector(
        settings,
        on_ready=lambda running: console.print(f"collector listens on {running.endpoint}", soft_wrap=True),
    )
