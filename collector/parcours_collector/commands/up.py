"""`parcours up`: everything on one machine, the engine included."""

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import structlog
import typer
from pydantic import SecretStr

from parcours_collector.app import RunningCollector, run_collector
from parcours_collector.commands.options import DataOption, HostOption, PlanOption, PortOption
from parcours_collector.commands.terminal import console
from parcours_collector.errors import FolderInUse
from parcours_collector.intake.registry import Registry
from parcours_collector.intake.shared_file import changing
from parcours_collector.logs import configure_logs
from parcours_collector.settings import Settings, load_settings
from parcours_collector.warehouse.client import ClickHouseUrl
from parcours_collector.warehouse.embedded.process import EngineProcess
from parcours_collector.warehouse.migrations import migrate

DEVELOPMENT_SOURCE = "development"
DEFAULT_PROJECT = "default"
ENVIRONMENT_FILE = "parcours.env"
_KEY_FILE = "development.key"
_LOCK_FILE = "up.lock"

_log = structlog.get_logger()


def up(
    data: DataOption = None,
    host: HostOption = None,
    port: PortOption = None,
    clickhouse_port: Annotated[
        int,
        typer.Option("--clickhouse-port", min=0, max=65535, help="Port of the embedded ClickHouse; 0 = any free one."),
    ] = 8123,
    plan: PlanOption = None,
    stop_with_parent: Annotated[
        bool, typer.Option("--stop-with-parent", help="Stop when standard input ends.", hidden=True)
    ] = False,
) -> None:
    """Run everything on this machine: collector, write-ahead log, and a ClickHouse of its own.

    At its first start it makes a development write key. Once ready it writes DIR/parcours.env (mode 600) with
    PARCOURS_ENDPOINT, PARCOURS_WRITE_KEY and PARCOURS_CLICKHOUSE_URL, so that a script can wait for it and go on.
    Ctrl-C stops it.
    """
    settings = load_settings(data=data, host=host, port=port, plan=plan)
    configure_logs(settings.log_format)
    os.umask(0o077)  # what is written here is about people
    environment = settings.data / ENVIRONMENT_FILE
    with ExitStack() as stack:
        stack.enter_context(sole_user(settings.data))
        environment.unlink(missing_ok=True)  # of one that was killed: a script must not go on with it
        engine = stack.enter_context(EngineProcess.start(settings.engine_folder, clickhouse_port))
        applied = migrate(engine.url).applied
        if applied:
            _log.info("warehouse_migrated", migrations=len(applied))
        write_key = development_key(settings)
        if stop_with_parent:
            threading.Thread(target=_stop_at_end_of_input, daemon=True).start()

        def announce(running: RunningCollector) -> None:
            write_environment(environment, running.endpoint, write_key, engine.url)
            stack.callback(environment.unlink, missing_ok=True)
            console.print(f"collector   {running.endpoint}", soft_wrap=True)
            console.print(f"ClickHouse  {ClickHouseUrl.parse(engine.url).redacted}", soft_wrap=True)
            console.print(f"keys        {environment}  (source it: `set -a; . {environment}`)", soft_wrap=True)

        run_collector(settings.model_copy(update={"clickhouse_url": SecretStr(engine.url)}), on_ready=announce)


@contextmanager
def sole_user(data: Path) -> Iterator[None]:
    """Hold the data folder against a second `parcours up`.

    Raises:
        FolderInUse: There is one already.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / _LOCK_FILE).open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise FolderInUse(f"{data} is in use by another `parcours up`, process {lock.read() or '?'}.") from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def development_key(settings: Settings) -> str:
    """Return the write key of the source `development`, made at the first call and kept in a file of mode 600."""
    kept = settings.data / _KEY_FILE
    if kept.exists():
        write_key = kept.read_text(encoding="utf-8").strip()
        source = Registry.read(settings.registry_file).find(write_key)
        if source is not None and source.revoked_at is None:
            return write_key
    with changing(settings.registry_file):
        registry = Registry.read(settings.registry_file)
        if any(source.name == DEVELOPMENT_SOURCE and source.revoked_at is None for source in registry.sources):
            registry = registry.without_source(DEVELOPMENT_SOURCE)  # its key is lost: nobody can use it any more
        registry, write_key = registry.with_source(DEVELOPMENT_SOURCE, DEFAULT_PROJECT)
        registry.write(settings.registry_file)
    _write_private(kept, f"{write_key}\n")
    return write_key


def write_environment(file: Path, endpoint: str, write_key: str, clickhouse_url: str) -> None:
    """Write the file that tells scripts where everything is, in one step, readable by its owner only."""
    _write_private(
        file,
        f"PARCOURS_ENDPOINT={endpoint}\nPARCOURS_WRITE_KEY={write_key}\nPARCOURS_CLICKHOUSE_URL={clickhouse_url}\n",
    )


def _write_private(file: Path, text: str) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    temporary.replace(file)


def _stop_at_end_of_input() -> None:
    """Stop when whoever started us is gone, even by SIGKILL: their end of our standard input closes."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
