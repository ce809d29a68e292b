"""One HTTP/1.1 request and its reply, read whole and passed on: bodies byte for byte, headers but for those of a connection."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import h11

from clinical_ner.errors import ClinicalNerError

MAX_BODY_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 256 * 1024
# https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1; lengths are told anew, since bodies are passed on whole.
_OF_A_CONNECTION = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"upgrade", b"transfer-encoding", b"expect")
)

Headers = Sequence[tuple[bytes, bytes]]


class CallerGone(ClinicalNerError):
    """The caller closed the connection, or sends what is not HTTP/1.1; there is nobody to answer."""


class BackendGone(ClinicalNerError):
    """The backend accepted the request, and did not answer it."""


class BackendRefuses(ClinicalNerError):
    """Nobody listens at the backend's port: nothing of the request was sent."""


class Request(NamedTuple):
    method: bytes
    target: bytes
    headers: Headers
    body: bytes


class Reply(NamedTuple):
    status: int
    headers: Headers
    body: bytes


async def read_request(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Request | None:
    """A caller's next request; None when it closed the connection in between.

    Raises:
        CallerGone: the request ended early, is no HTTP, or is longer than ``MAX_BODY_BYTES``.
    """
    try:
        head = await _next(connection, reader)
        if not isinstance(head, h11.Request):
            return None
        if connection.they_are_waiting_for_100_continue:
            await send(connection, writer, h11.InformationalResponse(status_code=100, headers=[]))
        body = await _read_body(connection, reader)
    except (h11.RemoteProtocolError, OSError) as error:
        raise CallerGone("not a whole HTTP/1.1 request") from error
    return Request(head.method, head.target, _passed_on(head.headers.raw_items(), body), body)


async def send_reply(connection: h11.Connection, writer: asyncio.StreamWriter, reply: Reply) -> None:
    """Answer the request that was read last; raises CallerGone when the caller does not listen any more."""
    try:
        await send(connection, writer, h11.Response(status_code=reply.status, headers=list(reply.headers)))
        if reply.body:
            await send(connection, writer, h11.Data(data=reply.body))
        await send(connection, writer, h11.EndOfMessage())
    except (h11.LocalProtocolError, OSError) as error:
        raise CallerGone("the caller does not take the reply") from error


async def exchange(port: int, request: Request) -> Reply:
    """Send the request to a port of this machine, over a connection of its own, and return the reply.

    A connection that was kept would now and then be closed by the server just as the next request is sent; whether that
    one was answered nobody could tell.

    Raises:
        BackendRefuses: nobody listens there.
        BackendGone: the connection ended before the reply did.
    """
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        raise BackendRefuses(f"port {port} refuses connections") from error
    try:
        return await _ask(request, reader, writer)
    except (h11.RemoteProtocolError, h11.LocalProtocolError, OSError) as error:
        raise BackendGone(f"port {port} did not answer") from error
    finally:
        writer.close()


async def send(connection: h11.Connection, writer: asyncio.StreamWriter, event: h11.Event) -> None:
    data = connection.send(event)
    if data:
        writer.write(data)
        await writer.drain()


async def _ask(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Reply:
    connection = h11.Connection(h11.CLIENT)
    headers = [*request.headers, (b"Connection", b"close")]
    await send(connection, writer, h11.Request(method=request.method, target=request.target, headers=headers))
    if request.body:
        await send(connection, writer, h11.Data(data=request.body))
    await send(connection, writer, h11.EndOfMessage())
    head = await _next(connection, reader)
    while isinstance(head, h11.InformationalResponse):
        head = await _next(connection, reader)
    if not isinstance(head, h11.Response):
        raise h11.RemoteProtocolError("no reply")
    body = await _read_body(connection, reader)
    kept = _passed_on(head.headers.raw_items(), body, told=request.method == b"HEAD" or head.status_code in (204, 304))
    return Reply(head.status_code, kept, body)


async def _next(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Event | type[h11.PAUSED]:
    while True:
        event = connection.next_event()
        if event is not h11.NEED_DATA:
            return event  # type: ignore[return-value]  # h11 types its sentinels loosely
        connection.receive_data(await reader.read(CHUNK_BYTES))


async def _read_body(connection: h11.Connection, reader: asyncio.StreamReader) -> bytes:
    chunks, size = [], 0
    while isinstance(event := await _next(connection, reader), h11.Data):
        chunks.append(bytes(event.data))
        size += len(event.data)
        if size > MAX_BODY_BYTES:
            raise h11.RemoteProtocolError(f"longer than {MAX_BODY_BYTES} bytes", error_status_hint=413)
    return b"".join(chunks)


def _passed_on(headers: Headers, body: bytes, *, told: bool = False) -> Headers:
    """The headers of the message itself, spelled as they came, with the body's length; ``told`` keeps the length as it is."""
    dropped = _OF_A_CONNECTION if told else _OF_A_CONNECTION | {b"content-length"}
    kept = [(bytes(name), bytes(value)) for name, value in headers if name.lower() not in dropped]
    had_length = any(name.lower() in {b"content-length", b"transfer-encoding"} for name, _ in headers)
    if not told and (body or had_length):
        kept.append((b"Content-Length", b"%d" % len(body)))
    return kept
