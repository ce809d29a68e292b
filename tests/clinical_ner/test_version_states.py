from datetime import UTC, datetime
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.errors import ConfigError, RegistryError, StorageError
from clinical_ner.version_states import (
    TRANSITIONS,
    Cause,
    State,
    States,
    move,
    parse_states,
    promote,
    prunable,
    raise_fence,
    roll_back,
)

CAUSE = Cause("someone", datetime(2030, 1, 2, tzinfo=UTC), "a reason")
# v5 is the same model as v4.
DIGESTS = {f"v{number}": f"sha256:{min(number, 4)}" for number in range(1, 6)}


def apply(states, *steps):
    """Apply steps such as ``approve v1``."""
    for step in steps:
        name, version = step.split()
        states = STEPS[name](states, version, DIGESTS[version])
    return states


STEPS = {
    "approve": lambda states, version, digest: move(states, version, digest, State.APPROVED, CAUSE),
    "reject": lambda states, version, digest: move(states, version, digest, State.REJECTED, CAUSE),
    "promote": lambda states, version, digest: promote(states, version, digest, CAUSE),
    "restore": lambda states, version, digest: promote(states, version, digest, CAUSE, restore=True),
    "roll-back": lambda states, version, digest: roll_back(states, version, digest, CAUSE),
}
any_step = st.builds("{} {}".format, st.sampled_from(sorted(STEPS)), st.sampled_from(sorted(DIGESTS)))


@given(st.lists(any_step, max_size=40))
def test_states_hold_together_after_any_steps(steps):
    """Whatever is tried in whatever order: one live version at most, every change is in the table, refusals change nothing."""
    states = States()
    for step in steps:
        before = states.to_json()
        try:
            after = apply(states, step)
        except RegistryError:
            assert states.to_json() == before
            continue
        assert apply(after, step) is after, "a step that ran twice changed something"
        states = after
    current = {version: states.of(version) for version in DIGESTS}
    assert [version for version, state in current.items() if state is State.LIVE] == ([states.live] if states.live else [])
    assert states.previous is None or current[states.previous] is State.RETIRED
    for version in DIGESTS:
        path = [State.CANDIDATE, *(change.state for change in states.changes_of(version))]
        assert all(after in TRANSITIONS[before] for before, after in pairwise(path))
    assert parse_states(states.to_json(), key="x") == states


@given(st.lists(any_step, max_size=40))
def test_never_two_live_on_the_way(steps):
    """Replaying the changes one by one, the live version retires before the next becomes live, or is rolled back before."""
    states = States()
    for step in steps:
        try:
            states = apply(states, step)
        except RegistryError:
            continue
    current = {}
    for change in states.changes:
        current[change.version] = change.state
        assert list(current.values()).count(State.LIVE) <= 1


def test_every_state_but_candidate_is_reached_by_some_transition():
    """The table is complete: each state has a row, and each but the first can be reached."""
    assert set(TRANSITIONS) == set(State)
    assert set().union(*TRANSITIONS.values()) == set(State) - {State.CANDIDATE}


@pytest.mark.parametrize("state", State)
def test_refusal_names_both_states_and_what_to_do(state):
    """From every state, a change outside the table is refused with from, to and advice."""
    routes = {
        State.CANDIDATE: [],
        State.APPROVED: ["approve v1"],
        State.LIVE: ["approve v1", "promote v1"],
        State.RETIRED: ["approve v1", "promote v1", "approve v2", "promote v2"],
        State.REJECTED: ["reject v1"],
        State.ROLLED_BACK: ["approve v1", "roll-back v1"],
    }
    states = apply(States(), *routes[state])
    assert states.of("v1") is state
    for target in set(State) - TRANSITIONS[state] - {state}:
        with pytest.raises(RegistryError, match=f"v1 cannot go from {state} to {target}: .{{10,}}"):
            move(states, "v1", DIGESTS["v1"], target, CAUSE)


def test_promotion_retires_the_live_version():
    """The old champion retires with the reason of the new one, and is what one goes back to."""
    states = apply(States(), "approve v1", "promote v1", "approve v2", "promote v2")
    assert (states.live, states.previous) == ("v2", "v1")
    assert "v2" in states.changes_of("v1")[-1].reason


def test_retired_version_returns_only_on_request():
    """A step that is run again must not undo a later promotion; a person may, by saying so."""
    states = apply(States(), "approve v1", "promote v1", "approve v2", "promote v2")
    with pytest.raises(RegistryError, match="restore"):
        apply(states, "promote v1")
    assert apply(states, "restore v1").live == "v1"


def test_candidate_is_not_promoted_even_by_restore():
    """No way leads to live around the approval."""
    for step in ("promote v1", "restore v1"):
        with pytest.raises(RegistryError, match="approve it first"):
            apply(States(), step)


def test_roll_back_makes_the_previous_version_live():
    """The version that was live before serves again, and the withdrawn one is final."""
    steps = ["approve v1", "promote v1", "approve v2", "promote v2", "approve v3", "promote v3", "roll-back v3"]
    states = apply(States(), *steps)
    assert (states.live, states.previous, states.of("v3")) == ("v2", "v1", State.ROLLED_BACK)


def test_roll_back_skips_versions_of_the_same_model():
    """Going back from v5 to v4, which is the same model, would change nothing: v3 it is."""
    steps = [f"{step} v{number}" for number in (3, 4, 5) for step in ("approve", "promote")]
    assert apply(States(), *steps).previous == "v3"
    assert apply(States(), *steps, "roll-back v5").live == "v3"


def test_roll_back_without_a_previous_version_is_refused():
    """Something must serve: the only live version is not withdrawn."""
    with pytest.raises(RegistryError, match="no retired version"):
        apply(States(), "approve v1", "promote v1", "roll-back v1")


def test_rolled_back_model_is_never_approved_again():
    """The same digest under another version is refused, naming the version that failed."""
    states = apply(States(), "approve v4", "roll-back v4")
    with pytest.raises(RegistryError, match=r"same model as v4, which was rolled back on 2030-01-02"):
        apply(states, "approve v5")


@pytest.mark.parametrize("field", ["actor", "reason"])
def test_change_without_actor_or_reason_is_refused(field):
    """A record that does not say who and why is not written."""
    with pytest.raises(ConfigError, match=field):
        move(States(), "v1", "d", State.APPROVED, CAUSE._replace(**{field: " "}))


def test_pruned_version_changes_no_more():
    """Nothing without files becomes live."""
    states = apply(States(), "approve v1").model_copy(update={"pruned": ("v1",)})
    with pytest.raises(RegistryError, match="pruned"):
        apply(states, "promote v1")


def test_json_shows_the_live_pointer():
    """Other readers of the file find the live and the previous version in it."""
    states = apply(States(), "approve v1", "promote v1", "approve v2", "promote v2")
    fields = orjson.loads(states.to_json())
    assert (fields["live"], fields["previous"]) == ("v2", "v1")


def test_damaged_states_are_refused_by_key():
    """States that cannot be read are never taken for no states."""
    for data in (b"", b"{", b"[]", b'{"changes": [{"version": "v1"}]}'):
        with pytest.raises(StorageError, match=r"models/m/states\.json"):
            parse_states(data, key="models/m/states.json")


@given(keep=st.integers(0, 6), referenced=st.frozensets(st.sampled_from(sorted(DIGESTS))))
def test_prunable_spares_what_is_needed(keep, referenced):
    """The newest, the live, the previous and the referenced versions stay, all others go."""
    states = apply(States(), "approve v1", "promote v1", "approve v2", "promote v2")
    versions = sorted(DIGESTS)
    chosen = prunable(states, versions, keep=keep, referenced=referenced)
    newest = set(versions[len(versions) - keep :]) if keep < len(versions) else set(versions)
    assert set(chosen) == set(versions) - newest - {"v1", "v2"} - referenced


def test_prunable_refuses_a_negative_count():
    """A negative number of versions to keep is a mistake, not a slice."""
    with pytest.raises(ConfigError, match="-1"):
        prunable(States(), ["v1"], keep=-1, referenced=frozenset())


def test_fence_changes_the_token_and_nothing_else():
    """As each change does; raised again by the same it stays as it is."""
    states = apply(States(), "approve v1")
    fenced = raise_fence(states, "rollout v1")
    assert len({states.token, fenced.token, apply(states, "promote v1").token, raise_fence(states, "another").token}) == 4
    assert raise_fence(fenced, "rollout v1") is fenced
    assert (fenced.changes, parse_states(fenced.to_json(), key="x")) == (states.changes, fenced)
