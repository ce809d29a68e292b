"""Frames: what was written is read, and what was not written whole is told from it."""

from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.inference_log.frames import count_records, decode_frames, encode_frame

LINES = st.lists(
    st.text(max_size=30).map(lambda text: b'{"x":%s}\n' % repr(text).encode("unicode_escape")), min_size=1, max_size=4
)
BODIES = st.lists(LINES.map(b"".join), min_size=1, max_size=6)


@given(BODIES)
def test_frames_are_read_as_written(bodies: list[bytes]) -> None:
    """Every body comes back in its order, and every record is counted."""
    data = b"".join(map(encode_frame, bodies))

    assert decode_frames(data) == (bodies, 0, 0)
    assert count_records(data) == sum(body.count(b"\n") for body in bodies)


@given(BODIES, st.data())
def test_frames_cut_anywhere_lose_the_last_only(bodies: list[bytes], data: st.DataObject) -> None:
    """A file cut at any byte gives every whole frame, and calls the rest torn, not damaged."""
    frames = [encode_frame(body) for body in bodies]
    cut = data.draw(st.integers(0, len(b"".join(frames)) - 1))
    whole = 0
    while sum(map(len, frames[: whole + 1])) <= cut:
        whole += 1
    rest = cut - sum(map(len, frames[:whole]))

    assert decode_frames(b"".join(frames)[:cut]) == (bodies[:whole], 0, rest)


@given(BODIES, st.data())
def test_frames_behind_a_damaged_one_are_read(bodies: list[bytes], data: st.DataObject) -> None:
    """One changed byte costs the frame that it lies in and no other."""
    frames = [encode_frame(body) for body in bodies]
    victim = data.draw(st.integers(0, len(frames) - 1))
    damaged = bytearray(frames[victim])
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.sampled_from([1, 2, 4, 128]))

    read = decode_frames(b"".join([*frames[:victim], bytes(damaged), *frames[victim + 1 :]]))

    assert read.bodies == [*bodies[:victim], *bodies[victim + 1 :]]
    assert read.damaged_bytes + read.torn_bytes == len(frames[victim])


@given(st.binary(max_size=200))
def test_frames_of_anything_are_read_without_an_error(data: bytes) -> None:
    """Bytes that are no frames are counted, whatever they are."""
    read = decode_frames(data)

    assert sum(len(encode_frame(body)) for body in read.bodies) + read.damaged_bytes + read.torn_bytes == len(data)
