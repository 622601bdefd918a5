"""The log on standard error: one line an event, constant words and keys, for people or as JSON.

Nobody stands in it, whoever wrote the line: of an exception it says its class and where it was, neither its message nor
the values of its variables, which may be a key or a payload.
"""

import logging
import sys
import traceback
from types import TracebackType
from typing import Literal

import structlog


def configure_logs(form: Literal["console", "json"]) -> None:
    """Send this process's log, structlog's and the standard library's, to standard error in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    nameless = (structlog.processors.ExceptionRenderer(_place_of), _drop_what_asyncio_quotes)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[*nameless, structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("aiohttp.access").setLevel(logging.CRITICAL)  # a line a request says nothing that metrics do not


_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def _place_of(exc_info: _ExcInfo) -> str:
    """Return the class of an exception and of those behind it, each with the lines of code where it was."""
    parts: list[str] = []
    error: BaseException | None = exc_info[1]
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        parts.append("".join(traceback.format_tb(error.__traceback__)) + type(error).__qualname__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nbecause of\n".join(parts)


def _drop_what_asyncio_quotes(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Keep the first line of what asyncio says: those after it quote a task with its result or exception."""
    record = event.get("_record")
    if record is not None and record.name == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event
