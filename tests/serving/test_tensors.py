"""The binary form of BYTES tensors, and the checks of texts."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.errors import RequestError, RequestTooLarge
from serving.settings import Limits
from serving.tensors import check_text, join_elements, split_elements

LIMITS = Limits(max_notes=50, max_note_bytes=100, max_body_bytes=10_000)
ELEMENTS = st.lists(st.binary(max_size=300), max_size=50)


@given(ELEMENTS)
def test_elements_survive_the_binary_form(elements: list[bytes]) -> None:
    """Splitting what was joined gives the same elements, empty ones too."""
    assert split_elements("data", join_elements(elements), LIMITS) == elements


@given(ELEMENTS.filter(bool), st.data())
def test_cut_tensor_is_refused_or_whole(elements: list[bytes], data: st.DataObject) -> None:
    """A cut tensor is refused, unless it was cut between elements: no element is ever shortened."""
    joined = join_elements(elements)
    cut = joined[: data.draw(st.integers(0, len(joined) - 1))]
    boundaries = {len(join_elements(elements[:count])): count for count in range(len(elements))}
    if len(cut) in boundaries:
        assert split_elements("data", cut, LIMITS) == elements[: boundaries[len(cut)]]
    else:
        with pytest.raises(RequestError, match="data: ends within"):
            split_elements("data", cut, LIMITS)


@given(st.binary(max_size=400))
def test_any_bytes_split_or_are_refused(data: bytes) -> None:
    """Whatever comes, the answer is the elements that joined give it, or a request error."""
    with contextlib.suppress(RequestError):
        assert join_elements(split_elements("data", data, LIMITS)) == data


def test_counting_ends_at_the_limit() -> None:
    """A tensor of a million empty elements is refused at the first one too many."""
    with pytest.raises(RequestTooLarge, match="max_notes = 50"):
        split_elements("data", bytes(4_000_000), LIMITS)


@given(st.text(st.characters(codec="utf-8"), max_size=120))
def test_text_is_kept_or_too_large(text: str) -> None:
    """A text comes out as it went in, as str or as UTF-8, exactly when its UTF-8 form is within the limit."""
    for form in (text, text.encode()):
        if len(text.encode()) <= LIMITS.max_note_bytes:
            assert check_text("data[0]", form, LIMITS) == text
        else:
            with pytest.raises(RequestTooLarge, match="max_note_bytes = 100"):
                check_text("data[0]", form, LIMITS)
