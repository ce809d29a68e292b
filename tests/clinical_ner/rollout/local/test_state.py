"""What operations make of the state of a local service: pure."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.errors import ConfigError, StorageError, TargetChanged
from clinical_ner.rollout.local import state as states
from clinical_ner.rollout.local.launching import new_state
from clinical_ner.rollout.local.state import LocalState
from clinical_ner.rollout.targets import ModelReference

MODELS = [ModelReference(f"v{number}", f"sha256:{number}", f"file:///{number}") for number in range(1, 4)]
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.sampled_from(MODELS)),
        st.tuples(st.just("set_percent"), st.sampled_from([0, 1, 50, 100])),
        st.tuples(st.sampled_from(["promote", "abort", "gone"]), st.none()),
    ),
    max_size=20,
)


def apply(state: LocalState, name, argument, number) -> LocalState:
    """The state after an operation, the same after one that is refused."""
    try:
        match name:
            case "start":
                return states.start(state, argument, f"i{number}")
            case "set_percent":
                return states.set_percent(state, argument)
            case "gone":
                return states.without(state, state.ending[0]) if state.ending else state
            case _:
                return getattr(states, name)(state)
    except TargetChanged:
        return state


@given(st.sampled_from([MODELS[0], None]), OPERATIONS)
def test_operations_never_lose_the_stable(first, operations):
    """Whatever is asked for, a service that has a stable keeps one, and it serves different versions, never two canaries."""
    state = new_state("m", 1, (), first)
    for number, (name, argument) in enumerate(operations):
        after = apply(state, name, argument, number)
        assert after.stable or not state.stable
        assert (after.asked is None) == (after.canary is None)
        assert not (after.canary and after.leaving_canary)
        assert len({member.version for member in after.serving}) == len(after.serving)
        assert after.stable == state.stable or (name, state.asked) == ("promote", 100)
        assert (after.token != state.token) == (after.model_copy(update={"leaving": state.leaving}) != state)
        state = after


@given(st.sampled_from([MODELS[0], None]), OPERATIONS)
def test_operation_twice_is_the_same_as_once(first, operations):
    """Repeating after a kill does no harm; only an abort takes a further step, which leads the same way."""
    state = new_state("m", 1, (), first)
    for number, (name, argument) in enumerate(operations):
        state = apply(state, name, argument, number)
        if name in {"start", "set_percent", "promote"}:
            assert apply(state, name, argument, f"{number}-again") == state


def test_abort_takes_traffic_first_and_the_canary_then():
    """A canary that carries something loses that in one step and goes in the next."""
    state = states.set_percent(states.start(new_state("m", 1, (), MODELS[0]), MODELS[1], "i"), 10)
    first = states.abort(state)
    assert (first.canary, first.asked) == (state.canary, 0)
    second = states.abort(first)
    assert (second.canary, second.asked, second.leaving_canary) == (None, None, state.canary)
    assert states.without(second, state.canary).leaving_canary is None


def test_state_is_read_as_it_was_written(tmp_path):
    """None where there is none; a damaged file is named."""
    assert states.read_state(tmp_path) is None
    state = states.start(new_state("m", 1, ("--x",), MODELS[0]), MODELS[1], "i")
    states.write_state(tmp_path, state)
    assert states.read_state(tmp_path) == state
    (tmp_path / states.STATE).write_bytes(b"{")
    with pytest.raises(StorageError, match=r"state\.json: damaged"):
        states.read_state(tmp_path)


def test_description_says_what_is_served_where():
    """One version, two with the share asked for, or none and what callers get."""
    alone, logs = new_state("m", 8080, (), MODELS[0]), Path("service/logs")
    assert states.describe(alone, logs) == "v1 of m at http://127.0.0.1:8080, logs in service/logs"
    both = states.set_percent(states.start(alone, MODELS[1], "i"), 10)
    assert "v1 of m at http://127.0.0.1:8080 (10 % for v2)" in states.describe(both, logs)
    assert states.describe(new_state("m", 8080, (), None), logs) == (
        "no version of m is live: callers at http://127.0.0.1:8080 get 503 until a rollout"
    )


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ({"model": "other"}, "--name: the service in this folder has m: "),
        ({"port": 9000}, "--port: the service in this folder has 8080: "),
        ({"options": ["--max-notes", "1"]}, "--server-option: the service in this folder has none: "),
    ],
)
def test_service_that_goes_on_is_asked_for_nothing_else(asked, refused):
    """What it would not do is refused with what it has; the same again, or nothing, is fine."""
    state = new_state("m", 8080, (), MODELS[0])
    nothing = {"model": None, "port": None, "options": None}
    states.check_unchanged(state, **nothing)
    states.check_unchanged(state, model="m", port=8080, options=[])
    with pytest.raises(ConfigError, match=refused):
        states.check_unchanged(state, **{**nothing, **asked})
