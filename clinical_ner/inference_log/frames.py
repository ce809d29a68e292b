r"""How the records of one request lie in a spool file: a frame, which is whole or is recognized as not.

A frame is a line ``<length> <checksum>`` of two times 8 hex digits, the length in bytes and the CRC-32 of what follows, and
then JSON lines. No JSON line looks like the first line of a frame, so reading goes on behind a damaged one.
"""

import re
import zlib
from collections.abc import Callable
from typing import NamedTuple

_HEADER = re.compile(rb"^([0-9a-f]{8}) ([0-9a-f]{8})\n", re.MULTILINE)
_HEADER_BYTES = 18
_FRAMES_BETWEEN_PAUSES = 16


class Frames(NamedTuple):
    """What a spool file holds; ``bodies`` are the JSON lines of whole frames, one element a request."""

    bodies: list[bytes]
    damaged_bytes: int
    """Neither within whole frames nor at the end."""
    torn_bytes: int
    """The beginning of a frame whose end is missing, at the file's end: its writer did not live to answer."""


def encode_frame(body: bytes) -> bytes:
    return b"%08x %08x\n%b" % (len(body), zlib.crc32(body), body)


def decode_frames(data: bytes, pause: Callable[[], None] = lambda: None) -> Frames:
    """Read a spool file, calling ``pause`` now and then (a thread beside others lets them run)."""
    bodies: list[bytes] = []
    position = damaged = 0
    while position < len(data):
        body = _body_at(data, position)
        if body is None:
            following = _next_frame(data, position + 1)
            if following is None:
                rest = data[position:]
                return Frames(bodies, damaged, len(rest)) if _is_torn(rest) else Frames(bodies, damaged + len(rest), 0)
            damaged += following - position
            position = following
            continue
        bodies.append(body)
        position += _HEADER_BYTES + len(body)
        if not len(bodies) % _FRAMES_BETWEEN_PAUSES:
            pause()
    return Frames(bodies, damaged, 0)


def count_records(data: bytes) -> int:
    """How many records a spool file holds, whole or not: each stands on a line of its own."""
    return data.count(b"\n{")


def _body_at(data: bytes, position: int) -> bytes | None:
    header = _HEADER.match(data, position)
    if header is None:
        return None
    body = data[header.end() : header.end() + int(header[1], 16)]
    return body if len(body) == int(header[1], 16) and zlib.crc32(body) == int(header[2], 16) else None


def _next_frame(data: bytes, position: int) -> int | None:
    candidates = (header.start() for header in _HEADER.finditer(data, position))
    return next((start for start in candidates if _body_at(data, start) is not None), None)


def _is_torn(rest: bytes) -> bool:
    header = _HEADER.match(rest)
    if header is None:
        return len(rest) < _HEADER_BYTES and re.fullmatch(rb"[0-9a-f]{0,8}( [0-9a-f]{0,8})?", rest) is not None
    return len(rest) - _HEADER_BYTES < int(header[1], 16)
