"""Divides requests between versions by weight."""

import asyncio
import random
from typing import NamedTuple

import h11

from clinical_ner.rollout.local.calls import CallCounts
from clinical_ner.rollout.local.supervision import Supervised
from clinical_ner.rollout.local.wire import (
    BackendGone,
    BackendRefuses,
    CallerGone,
    Reply,
    Request,
    exchange,
    read_request,
    send_reply,
)

REPLY_SECONDS = 60.0
NO_BACKEND = Reply(503, [(b"Retry-After", b"1"), (b"Content-Length", b"0")], b"")
NO_REPLY = Reply(502, [(b"Content-Length", b"0")], b"")
TOO_LATE = Reply(504, [(b"Content-Length", b"0")], b"")


class Route(NamedTuple):
    """Who gets requests: the canary ``percent`` of them."""

    stable: Supervised | None = None
    canary: Supervised | None = None
    percent: int = 0


class Split:
    """Passes each request to one version. A new ``route`` holds for the next request; those in flight stay where they are."""

    def __init__(self, chance: random.Random) -> None:
        self.route = Route()
        self.counts = CallCounts()
        self._chance = chance
        self._connections: set[asyncio.Task[None]] = set()

    def choose(self) -> Supervised | None:
        """Whom the next request goes to: by weight, and only to a server that is ready.

        The stable stands in for the canary at any weight; a canary that carries nothing yet stands in for nobody.
        """
        stable, canary, percent = self.route
        drawn = canary if self._chance.random() * 100 < percent else stable
        others = (drawn, stable, canary if percent else None)
        return next((each for each in others if each and each.ready), None)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until the caller closes it."""
        task = asyncio.current_task()
        if task:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        connection = h11.Connection(h11.SERVER)
        try:
            while request := await read_request(connection, reader, writer):
                await send_reply(connection, writer, await self.answer(request))
                if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                    break
                connection.start_next_cycle()
        except CallerGone:
            pass
        finally:
            writer.close()

    async def answer(self, request: Request) -> Reply:
        """What a version says; nothing is asked twice that may have been done once."""
        while chosen := self.choose():
            chosen.in_flight += 1
            try:
                async with asyncio.timeout(REPLY_SECONDS):
                    reply = await exchange(chosen.http_port, request)
            except BackendRefuses:
                # Nothing was sent, so another may be asked; this one is not again until it says that it is ready.
                chosen.ready = False
                continue
            except BackendGone:
                reply = NO_REPLY
            except TimeoutError:
                reply = TOO_LATE
            finally:
                chosen.in_flight -= 1
            self.counts.count(chosen.member.version, reply.status)
            return reply
        self.counts.count("", NO_BACKEND.status)
        return NO_BACKEND

    def close(self) -> None:
        """Close the connections of callers."""
        for task in tuple(self._connections):
            task.cancel()
