"""The weighted split: who is chosen, and what is passed on; backends are small servers of this test."""

import asyncio
import random
from pathlib import Path

import h11
import httpx
import pytest

from clinical_ner.rollout.local.process import ModelProcess
from clinical_ner.rollout.local.split import Route, Split
from clinical_ner.rollout.local.state import Member
from clinical_ner.rollout.local.supervision import Supervised
from clinical_ner.rollout.local.wire import read_request, send
from tests.serving.server_process import free_ports

DRAWS = 20_000


def make_server(version, port=1, *, ready=True):
    member = Member(version=version, digest="", uri="", incarnation=version)
    server = Supervised(member, "m", (), Path(), lambda *_: None)
    server.ready, server.process = ready, ModelProcess(0, port)
    return server


def chosen(split):
    server = split.choose()
    return server.member.version if server else ""


@pytest.mark.parametrize("percent", [0, 1, 10, 50, 100])
def test_share_is_within_binomial_bounds(percent):
    """Of many requests the canary gets its share, give or take four standard deviations, and at 0 and 100 % exactly that."""
    split = Split(random.Random(7))
    split.route = Route(make_server("v1"), make_server("v2"), percent)
    share = percent / 100
    count = sum(chosen(split) == "v2" for _ in range(DRAWS))
    assert abs(count - DRAWS * share) <= 4 * (DRAWS * share * (1 - share)) ** 0.5


@pytest.mark.parametrize(
    ("stable", "canary", "percent", "expected"),
    [
        (True, False, 50, "v1"),
        (True, False, 100, "v1"),
        (False, True, 50, "v2"),
        (False, True, 0, ""),
        (False, False, 50, ""),
    ],
)
def test_unready_server_gets_nothing(stable, canary, percent, expected):
    """The other stands in, but for a canary that has no traffic yet: nothing is known of it."""
    split = Split(random.Random(7))
    split.route = Route(make_server("v1", ready=stable), make_server("v2", ready=canary), percent)
    assert {chosen(split) for _ in range(100)} == {expected}


class Backend:
    """Answers one request a connection with ``reply``, and keeps the requests."""

    def __init__(self, *reply):
        self.reply, self.requests = reply, []

    async def serve(self, reader, writer):
        connection = h11.Connection(h11.SERVER)
        self.requests.append(await read_request(connection, reader, writer))
        for event in self.reply:
            await send(connection, writer, event)
        writer.close()


async def call(backend, *arguments, listening=True, **options):
    """What a caller gets through a split in front of the backend, and what the split counted."""
    split, (front, behind) = Split(random.Random(7)), free_ports(2)
    split.route = Route(make_server("v1", behind))
    if listening:
        await asyncio.start_server(backend.serve, "127.0.0.1", behind)
    await asyncio.start_server(split.serve, "127.0.0.1", front)
    async with httpx.AsyncClient() as client:
        reply = await client.request(*arguments[:1], f"http://127.0.0.1:{front}{arguments[1]}", **options)
    return reply, split.counts.as_json()


def answer(*events, status=200, headers=()):
    return (h11.Response(status_code=status, headers=list(headers)), *events, h11.EndOfMessage())


BINARY = bytes(range(256)) * 2000


def test_bytes_and_headers_pass_through():
    """A binary body in both directions, headers of the message with their spelling, and none of the connection's own."""
    backend = Backend(*answer(h11.Data(data=BINARY[::-1]), status=207, headers=[(b"X-Mark", b"a b")]))
    headers = {"Inference-Header-Content-Length": "3", "TE": "trailers", "Content-Type": "application/octet-stream"}
    reply, counts = asyncio.run(call(backend, "POST", "/v2/models/m/infer?x=%20", content=BINARY, headers=headers))
    (request,) = backend.requests
    assert (request.method, request.target, request.body) == (b"POST", b"/v2/models/m/infer?x=%20", BINARY)
    assert (b"Inference-Header-Content-Length", b"3") in request.headers
    assert not {b"te", b"transfer-encoding"} & {name.lower() for name, _ in request.headers}
    assert (reply.status_code, reply.content, reply.headers["x-mark"]) == (207, BINARY[::-1], "a b")
    assert counts["v1"]["statuses"] == {"207": 1}


def test_chunked_body_arrives_whole():
    """Whoever sends pieces of unknown length is passed on with the length."""

    async def pieces():
        yield b"one"
        yield b"two"

    backend = Backend(*answer(h11.Data(data=b"ok")))
    reply, _ = asyncio.run(call(backend, "POST", "/", content=pieces(), headers={"Expect": "100-continue"}))
    assert (backend.requests[0].body, reply.content) == (b"onetwo", b"ok")
    assert (b"Content-Length", b"6") in backend.requests[0].headers


def test_reply_without_a_body_keeps_its_length():
    """What HEAD says of the length is what GET would send."""
    reply, _ = asyncio.run(call(Backend(*answer(headers=[(b"Content-Length", b"12")])), "HEAD", "/"))
    assert (reply.status_code, reply.headers["content-length"], reply.content) == (200, "12", b"")


def test_backend_that_goes_away_is_a_failed_call():
    """The caller gets 502, it is counted, and the request is not sent again: it may have been done."""
    backend = Backend()
    reply, counts = asyncio.run(call(backend, "POST", "/", content=b"x"))
    assert reply.status_code == 502
    assert len(backend.requests) == 1
    assert (counts["v1"]["calls"], counts["v1"]["failed"]) == (1, 1)


def test_backend_that_refuses_is_asked_no_more():
    """Where nobody listens nothing was sent; without another server the caller is told to come again."""
    reply, counts = asyncio.run(call(None, "GET", "/", listening=False))
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert counts == {"": counts[""]}
