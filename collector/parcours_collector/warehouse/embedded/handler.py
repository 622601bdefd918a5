"""From request to answer: reads, judges, runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web

from parcours_collector.warehouse.embedded import formats
from parcours_collector.warehouse.embedded.answer import Answer, Identity, Outcome, error_response
from parcours_collector.warehouse.embedded.body import Body, decode
from parcours_collector.warehouse.embedded.engine import Connection, Engine, Stream, identifier
from parcours_collector.warehouse.embedded.errors import EngineError
from parcours_collector.warehouse.embedded.form import Form, external_tables, is_form, read_form
from parcours_collector.warehouse.embedded.guard import Guard, Role, Statement
from parcours_collector.warehouse.embedded.guard.split import InlineInsert, split_insert
from parcours_collector.warehouse.embedded.options import Limits
from parcours_collector.warehouse.embedded.request import QueryRequest, authenticate, read_request
from parcours_collector.warehouse.embedded.running import RunningQuery, Threads
from parcours_collector.warehouse.embedded.sessions import Lease, Sessions
from parcours_collector.warehouse.embedded.zones import Column, Undated, may_lose_a_zone, with_zones

_PIECE_BYTES: Final = 1 << 20
_log = logging.getLogger(__name__)
_LITERALS_ONLY: Final = {
    "input_format_values_interpret_expressions": "0",
    "input_format_values_deduce_templates_of_expressions": "0",
}
_EXPRESSIONS: Final = dict.fromkeys(_LITERALS_ONLY, "1")


class QueryHandler:
    """Answers `/`. One instance a server; lives on the event loop.

    Args:
        engine: open.
        limits: bounds of requests.
        passwords: of each role.
        temporary: private folder for held results.
    """

    def __init__(self, engine: Engine, limits: Limits, passwords: Mapping[Role, str], temporary: Path) -> None:
        self._engine = engine
        self._guard = Guard(engine)
        self._limits = limits
        self._passwords = passwords
        self._temporary = temporary
        self._identity = Identity(engine.version, engine.timezone)
        self._threads = Threads(limits.max_concurrent_queries)
        self._sessions = Sessions(engine, limits.max_sessions)
        self._undated = Undated()
        self._running: set[RunningQuery] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def handle(self, http: web.Request) -> web.StreamResponse:
        """Answer one request; the caller has checked that it may come from where it comes."""
        query_id: str | None = None
        try:
            role = authenticate(http.query, http.headers, self._passwords)
            form = await read_form(http, self._temporary, self._limits.max_query_bytes) if is_form(http) else None
            with form.files if form is not None else contextlib.nullcontext():
                pairs = [*http.query.items(), *(form.fields if form is not None else ())]
                has_tables = form is not None and bool(form.tables)
                request = read_request(http.method, pairs, http.headers, role, has_external=has_tables)
                query_id = request.query_id
                return await self._run(http, request, form)
        except EngineError as error:
            return error_response(error, self._identity, query_id)
        except Exception:  # noqa: BLE001 -- the edge: a defect of the shell is answered as one
            _log.exception("the embedded engine's shell failed")
            defect = EngineError(
                1001, "STD_EXCEPTION", "the embedded engine's shell failed: its log has the reason; report it"
            )
            return error_response(defect, self._identity, query_id)

    def error(self, error: EngineError) -> web.Response:
        """An error answer for what never became a query."""
        return error_response(error, self._identity)

    async def close(self) -> None:
        """Kill what runs, wait for it, close sessions and threads."""
        self._stopping = True
        for query in list(self._running):
            self._end(query)
        while self._ending:
            await asyncio.wait(set(self._ending))
        self._sessions.close()
        await asyncio.to_thread(self._threads.close)

    async def _run(self, http: web.Request, request: QueryRequest, form: Form | None) -> web.StreamResponse:
        if self._stopping or len(self._running) >= self._limits.max_concurrent_queries:
            raise EngineError(
                202,
                "TOO_MANY_SIMULTANEOUS_QUERIES",
                f"Too many simultaneous queries. Maximum: {self._limits.max_concurrent_queries}. Try again later",
            )
        query = RunningQuery(self._engine, self._sessions, self._threads, request)
        self._running.add(query)
        answer = Answer(http, request, self._identity)
        try:
            await query.open()
            outcome = await self._start(http, request, query, form)
            if request.hold:
                await answer.hold(outcome, self._temporary)
            else:
                await answer.send(outcome)
            # The session is free before the client can know that its answer is complete.
            await asyncio.shield(self._end(query))
            return await answer.finish(outcome)
        except EngineError as error:
            await asyncio.shield(self._end(query))
            if answer.started:
                return await answer.fail(error)
            raise
        finally:
            self._end(query)

    def _end(self, query: RunningQuery) -> asyncio.Task[None]:
        task = query.end()
        if task not in self._ending and not task.done():
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            task.add_done_callback(lambda _: self._running.discard(query))
        return task

    async def _start(self, http: web.Request, request: QueryRequest, query: RunningQuery, form: Form | None) -> Outcome:
        role = Role.ANALYST if request.read_only else request.role
        if form is not None:
            await query.call(self._load, query.lease, form, request)
        exists = form is None and http.body_exists
        body = Body(http, request.text.encode(), self._limits.max_query_bytes, exists=exists)
        head = await body.head()
        inline = split_insert(head)
        if inline is not None:
            return await self._insert(request, query, role, body, head, inline)
        if len(head) > self._limits.max_query_bytes:
            raise EngineError(
                62,
                "SYNTAX_ERROR",
                f"Max query size exceeded: at most {self._limits.max_query_bytes} bytes without an insert's data",
            )
        text = decode(head)
        if not text.strip():
            raise EngineError(62, "SYNTAX_ERROR", "Empty query: send a statement in the body or as query=")
        statement = await query.call(self._guard.statement, text, role)
        output = statement.output_format or request.default_format or formats.DEFAULT_FORMAT
        if statement.is_select and formats.blockwise(output):
            outcome = Outcome(output, _nothing())
            outcome.pieces = self._blocks(request, query, statement, outcome)
            return outcome
        connection = query.lease.connection
        result = await query.call(connection.query, statement.sql, output, request.parameters)
        return Outcome(output, _one(result.data), result)

    def _load(self, lease: Lease, form: Form, request: QueryRequest) -> None:
        for table in external_tables(form, request.external):
            # Judged as the owner's: the table lives in this session only, and goes with the request.
            created = self._guard.statement(table.create, Role.OWNER)
            head = self._guard.insert(table.insert, table.input_format, Role.OWNER)
            lease.connection.query(created.sql)
            lease.restore.append(partial(lease.connection.query, f"DROP TEMPORARY TABLE {identifier(table.name)}"))
            insert = lease.connection.insert(head.sql, table.input_format)
            try:
                while piece := table.data.read(_PIECE_BYTES):
                    insert.append(piece)
            except EngineError:
                insert.cancel()
                raise
            insert.finish()

    async def _blocks(
        self, request: QueryRequest, query: RunningQuery, statement: Statement, outcome: Outcome
    ) -> AsyncIterator[bytes]:
        native = outcome.output_format.lower() == "native"
        described = native and statement.sql not in self._undated
        # Before the stream: a session has one query at a time.
        columns = await self._columns(request, query, statement) if described else ()
        stream = await self._stream(request, query, statement, outcome)
        if native and not described and stream.first is not None and may_lose_a_zone(stream.first):
            # Its columns are not those of the last time: described after all, it begins again.
            self._undated.doubt(statement.sql)
            await query.call(stream.cancel)
            query.done()
            columns = await self._columns(request, query, statement)
            stream = await self._stream(request, query, statement, outcome)
        zoned = any(column.loses_its_zone for column in columns)
        block = stream.first
        if block is None and formats.has_header(outcome.output_format):
            # The engine's stream of an empty result has no bytes at all; the whole result has its header.
            query.done()
            outcome.result = await query.call(
                query.lease.connection.query, statement.sql, outcome.output_format, request.parameters
            )
            yield outcome.result.data
            return
        first = True
        while block is not None:
            if zoned:
                block = with_zones(block, columns)
            yield block if first else formats.without_header(outcome.output_format, block)
            first = False
            block = await query.call(stream.fetch)
        query.done()

    async def _stream(
        self, request: QueryRequest, query: RunningQuery, statement: Statement, outcome: Outcome
    ) -> Stream:
        stream = await query.call(
            query.lease.connection.stream, statement.sql, outcome.output_format, request.parameters
        )
        query.follow(stream)
        return stream

    async def _columns(self, request: QueryRequest, query: RunningQuery, statement: Statement) -> tuple[Column, ...]:
        columns = await query.call(self._described, query.lease.connection, statement, request)
        self._undated.note(statement.sql, columns)
        return columns

    def _described(self, connection: Connection, statement: Statement, request: QueryRequest) -> tuple[Column, ...]:
        try:
            lines = connection.query(self._guard.describe(statement), "JSONCompactEachRow", request.parameters).data
        except EngineError:
            return ()  # the statement's own error is the one to be told
        return tuple(Column(name, type_name) for name, type_name, *_ in map(json.loads, lines.splitlines()))

    async def _insert(
        self, request: QueryRequest, query: RunningQuery, role: Role, body: Body, head: bytes, inline: InlineInsert
    ) -> Outcome:
        statement = await query.call(self._guard.insert, decode(inline.head), inline.input_format, role)
        connection = query.lease.connection
        if inline.input_format.lower() == "values":
            data = decode(head[inline.data_at :]) if body.complete else None
            if data is None or (data and not await query.call(self._guard.values_are_plain, data)):
                query.lease.restore.append(partial(connection.apply, _EXPRESSIONS))
                await query.call(connection.apply, _LITERALS_ONLY)
        if request.parameters:
            given = {f"param_{name}": value for name, value in request.parameters.items()}
            await query.call(connection.apply, given)
        insert = await query.call(connection.insert, statement.sql, inline.input_format)
        query.follow(insert)
        async for piece in body.rest(inline.data_at):
            await query.call(insert.append, piece)
        result = await query.call(insert.finish)
        query.done()
        return Outcome(formats.DEFAULT_FORMAT, _nothing(), result)


async def _one(data: bytes) -> AsyncIterator[bytes]:
    if data:
        yield data


async def _nothing() -> AsyncIterator[bytes]:
    pieces: tuple[bytes, ...] = ()
    for piece in pieces:
        yield piece
