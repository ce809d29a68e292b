"""REST inference as plain ASGI in front of KServe's own application.

The stock handler validates by pydantic, echoes what it cannot read, and spends most of a request's time in routing and
middleware; the GET routes (health, metadata, metrics) stay KServe's.
"""

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

import orjson
import structlog

from clinical_ner.errors import RequestTooLarge
from serving import json_fields, v2_rest
from serving.errors import failure_of
from serving.metrics import ServingMetrics
from serving.model import NoteModel
from serving.tensors import read_request

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

ROUTE = re.compile(
    r"/v2/models/(?P<v2>[^/]+)(?:/versions/(?P<version>[^/]+))?/infer|/v1/models/(?P<v1>[^/]+):(?P<verb>predict|explain)"
)
JSON = b"application/json"
JSON_LENGTH = v2_rest.JSON_LENGTH_HEADER.lower().encode()
DISCARD_FACTOR = 16
"""A body over the limit is read and thrown away up to so many times the limit, since a caller that is still sending when the
connection is closed never sees the 413."""

log = structlog.get_logger("serving")


class Disconnected(Exception):
    """The caller went away before its request was complete; there is nobody to answer."""


class Reply(NamedTuple):
    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class RestTransport:
    """Answers inference requests and passes everything else on to ``application``.

    While the model drains, every reply closes its connection, so that the caller's next request goes to another server.
    """

    def __init__(self, application: Application, model: NoteModel, metrics: ServingMetrics) -> None:
        self._application = application
        self._model = model
        self._metrics = metrics

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        if self._model.draining:
            send = _closing(send)
        route = ROUTE.fullmatch(scope["path"]) if scope["method"] == "POST" else None
        if route is None:
            await self._application(scope, receive, send)
            return
        await self._infer(route, scope, receive, send)

    async def _infer(self, route: re.Match[str], scope: Message, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        protocol = "v2-rest" if route["v2"] else "v1-rest"
        try:
            reply = await self._answer(route, dict(scope["headers"]), receive)
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001  # whatever it is, the caller gets an answer without text
            reply = _refuse(error)
        self._metrics.count_request(protocol, str(reply.status), time.perf_counter() - started)
        await _send_reply(send, reply)

    async def _answer(self, route: re.Match[str], headers: dict[bytes, bytes], receive: Receive) -> Reply:
        body = await read_body(headers, receive, self._model.limits.max_body_bytes)
        if route["v2"]:
            self._model.check(route["v2"], route["version"] or "")
            return await self._answer_v2(body, headers)
        self._model.check(route["v1"])
        answer = self._model.predict if route["verb"] == "predict" else self._model.explain
        return Reply(200, orjson.dumps(await answer(json_fields.parse_object(body))))

    async def _answer_v2(self, body: bytes, headers: dict[bytes, bytes]) -> Reply:
        limits = self._model.limits
        json_length = headers.get(JSON_LENGTH)
        tensors = v2_rest.decode_request(body, None if json_length is None else json_length.decode("latin-1"), limits)
        reply = await self._model.infer(read_request(tensors, limits))
        encoded = v2_rest.encode_reply(reply, tensors.outputs)
        if encoded.json_length is None:
            return Reply(200, encoded.body)
        return Reply(200, encoded.body, b"application/octet-stream", ((JSON_LENGTH, b"%d" % encoded.json_length),))


async def read_body(headers: dict[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """The whole body of a request.

    Raises:
        RequestTooLarge: it is longer than ``limit`` bytes; no more than those were kept.
        Disconnected: the caller went away first.
    """
    length = headers.get(b"content-length", b"")
    size = int(length) if length.isdigit() else 0
    refused = size > limit
    # Nothing was sent yet by a caller who waits for "100 Continue", and nobody sends that much to read an answer.
    discard = refused and b"expect" not in headers and size <= limit * DISCARD_FACTOR
    chunks: list[bytes] = []
    received, more = 0, not refused or discard
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk, more = message.get("body", b""), message.get("more_body", False)
        received += len(chunk)
        refused = refused or received > limit
        if refused:
            chunks.clear()
            more = more and received <= limit * DISCARD_FACTOR
        else:
            chunks.append(chunk)
    if refused:
        raise RequestTooLarge(f"body: more bytes than max_body_bytes = {limit:,}")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _refuse(error: Exception) -> Reply:
    failure = failure_of(error)
    log.info("refused", protocol="rest", status=failure.status.http, reason=failure.message)
    # What remains of a refused body was perhaps not read: the connection cannot be used again.
    headers = ((b"connection", b"close"),) if isinstance(error, RequestTooLarge) else ()
    return Reply(failure.status.http, orjson.dumps({"error": failure.message}), JSON, headers)


async def _send_reply(send: Send, reply: Reply) -> None:
    headers = [(b"content-type", reply.content_type), (b"content-length", b"%d" % len(reply.body)), *reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def _closing(send: Send) -> Send:
    """``send``, with ``Connection: close`` in the reply's headers."""

    async def send_closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message["headers"] if name.lower() != b"connection"]
            message["headers"] = [*kept, (b"connection", b"close")]
        await send(message)

    return send_closing
