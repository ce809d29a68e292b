"""Callers that ask a service without a pause, and what became of every call."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tests.serving.callers import calling
from tests.serving.transports import GrpcContents, Outcome, Request, RestJson, Tensor, Transport

NOTE = Request([Tensor("text", [b"Her type 2 diabetes is treated with metformin."])])
OK = {200, "OK"}


class Calls:
    """How many calls each version answered, by the way of calling; what the others were told."""

    def __init__(self) -> None:
        self.answered: Counter[tuple[str, str]] = Counter()
        self.failures: list[str] = []
        self._stopped = threading.Event()

    @property
    def versions(self) -> Counter[str]:
        totals: Counter[str] = Counter()
        for (_, version), number in self.answered.items():
            totals[version] += number
        return totals

    def stop(self) -> None:
        self._stopped.set()

    def call(self, way: str, connect: Callable[[], Transport], keep: int) -> None:
        """Call until stopped; each connection is kept for so many calls."""
        while not self._stopped.is_set():
            transport = connect()
            for _ in range(keep):
                self._note(way, self._ask(transport))
                if self._stopped.is_set():
                    break

    def _ask(self, transport: Transport) -> Outcome:
        try:
            return transport.infer(NOTE)
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody was answered
            return Outcome(repr(error))

    def _note(self, way: str, outcome: Outcome) -> None:
        if outcome.status in OK:
            self.answered[way, outcome.model[1]] += 1
        else:
            self.failures.append(f"{way}: {outcome.status} {outcome.error}")


Way = tuple[str, Callable[[], Transport], int]
"""Its name, how to connect, and for how many calls a connection is kept."""

ALWAYS = 10**9


def ways_to(server) -> list[Way]:
    """Six callers of ``server`` (``url``, ``grpc_target``): connections that are kept, new ones, and gRPC channels."""
    kept, new = ("kept", lambda: RestJson(server), ALWAYS), ("new", lambda: RestJson(server), 1)
    return [kept, kept, new, new, *[("grpc", lambda: GrpcContents(server), ALWAYS)] * 2]


@contextmanager
def load(ways: list[Way]) -> Iterator[Calls]:
    """A caller for each of the ways, until the block ends; none may have ended before."""
    calls = Calls()
    with calling(calls.stop, *(partial(calls.call, *way) for way in ways)):
        yield calls
