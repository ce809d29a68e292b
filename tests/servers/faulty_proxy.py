"""A TCP proxy before a real HTTP server that closes each connection after its reply; tests tell it what to break."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

_BLOCK_BYTES = 65536


class Break(StrEnum):
    """What happens to a request."""

    NOTHING = "passed on, slowed down or not"
    LOSE_REQUEST = "the connection is closed and the server hears nothing"
    LOSE_REPLY = "the server carries it out, and the connection is closed instead of its reply"
    CUT_REPLY = "the connection is closed within the reply's body"
    STALL = "the server carries it out, and no reply comes"
    UNAVAILABLE = "503 is answered in a proxy's HTML, and the server hears nothing"


@dataclass(slots=True)
class Fault:
    """What is done to the next ``times`` requests of ``method``; ``meanwhile`` is called before."""

    method: str
    what: Break
    times: int = 1
    bytes_per_second: float = float("inf")
    meanwhile: Callable[[], object] = lambda: None


@dataclass(slots=True)
class FaultyProxy:
    """The running proxy: its address, the faults to come, and the methods of all requests so far."""

    endpoint: str
    target_port: int
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def next_fault(self, method: str) -> Fault:
        self.requests.append(method)
        for fault in self.faults:
            if fault.times and fault.method == method:
                fault.times -= 1
                return fault
        return Fault(method, Break.NOTHING)


@contextmanager
def faulty_proxy(target_port: int) -> Iterator[FaultyProxy]:
    """A proxy before the server on ``target_port`` of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BLOCK_BYTES)
        proxy = FaultyProxy(f"http://127.0.0.1:{listener.getsockname()[1]}", target_port)
        accepting = threading.Thread(target=_accept, args=(listener, proxy))
        accepting.start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(listener: socket.socket, proxy: FaultyProxy) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, proxy), daemon=True).start()


@contextmanager
def _shut_at_the_end(connection: socket.socket) -> Iterator[socket.socket]:
    # Closing alone tells the other side nothing while another thread waits for bytes of the socket.
    with connection:
        try:
            yield connection
        finally:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _serve(client: socket.socket, proxy: FaultyProxy) -> None:
    with _shut_at_the_end(client), suppress(OSError):
        start = client.recv(_BLOCK_BYTES)
        fault = proxy.next_fault(start.partition(b" ")[0].decode())
        fault.meanwhile()
        if fault.what is Break.LOSE_REQUEST:
            return
        if fault.what is Break.UNAVAILABLE:
            _answer_unavailable(client, start)
            return
        with _shut_at_the_end(socket.create_connection(("127.0.0.1", proxy.target_port))) as server:
            threading.Thread(target=_forward_request, args=(client, server, start, fault), daemon=True).start()
            _forward_reply(server, client, fault)


def _answer_unavailable(client: socket.socket, start: bytes) -> None:
    client.settimeout(0.1)
    # All of the request is taken first: closing a socket with unread bytes resets the connection.
    with suppress(TimeoutError):
        while client.recv(_BLOCK_BYTES):
            pass
    body = b"<html>busy</html>"
    head = f"HTTP/1.1 503 Busy\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    client.sendall(head.encode() + body)


def _forward_request(client: socket.socket, server: socket.socket, start: bytes, fault: Fault) -> None:
    with suppress(OSError):
        block = start
        while block:
            server.sendall(block)
            time.sleep(len(block) / fault.bytes_per_second)
            block = client.recv(_BLOCK_BYTES)


def _forward_reply(server: socket.socket, client: socket.socket, fault: Fault) -> None:
    reply = b""
    while block := server.recv(_BLOCK_BYTES):
        if fault.what is Break.NOTHING:
            client.sendall(block)
        reply += block
    if fault.what is Break.CUT_REPLY:
        client.sendall(reply[:-1])
    if fault.what is Break.STALL:
        while client.recv(_BLOCK_BYTES):
            pass
