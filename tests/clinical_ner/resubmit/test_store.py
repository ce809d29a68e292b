"""Records in storage and their states."""

from datetime import UTC, datetime
from itertools import product

import pytest

from clinical_ner.errors import AlreadyExists, ConfigError, Conflict, NotFound, StorageError
from clinical_ner.resubmit import Cause
from clinical_ner.resubmit.records import TRANSITIONS, LastRun, Record, State, Step
from clinical_ner.resubmit.store import RecordStore
from clinical_ner.storage import open_storage

NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)


def cause(**changes):
    fields = {"model_name": "m", "champion_digest": "c", "action": "retrain", "dataset_digest": "d"}
    return Cause(**{**fields, **changes})


def record(state=State.PROPOSED, *, of=None):
    step = Step(state=state, time=NOON, actor="a", reason="r")
    return Record(cause=of or cause(), champion_version="v1", parameters={"n_trials": 3, "min_f1": 0.5}, steps=(step,))


@pytest.fixture
def store(storage_uri):
    return RecordStore(open_storage(storage_uri), "m")


def test_cause_depends_on_each_of_its_fields():
    """Equal fields have one id, and any other field another."""
    others = [cause(**{name: "x"}) for name in ("model_name", "champion_digest", "dataset_digest")]
    ids = {cause().id, *(other.id for other in others), cause(action="experiment").id}
    assert len(ids) == 5
    assert cause().id == cause().id
    assert all(len(each) == 64 for each in ids)


@pytest.mark.parametrize(("before", "after"), product(State, State))
def test_states_change_as_the_table_says(before, after):
    """Every pair is either in the table or refused."""
    step = Step(state=after, time=NOON, actor="a", reason="r")
    if after in TRANSITIONS[before]:
        assert record(before).moved(step).state is after
    else:
        with pytest.raises(ConfigError, match=f"cannot go from {before} to {after}"):
            record(before).moved(step)


def test_record_comes_back_as_it_was_written(store):
    """Types of parameters survive: a whole number stays one."""
    store.create(record())
    found = store.find(cause().id)
    assert found.record == record()
    assert isinstance(found.record.parameters["n_trials"], int)
    with pytest.raises(AlreadyExists):
        store.create(record())


def test_of_two_changes_one_is_refused(store):
    """Whoever read before another wrote must read again."""
    first = second = store.create(record())
    moved = record().moved(Step(state=State.SUBMITTING, time=NOON, actor="a", reason="r"))
    store.replace(first, moved)
    with pytest.raises(Conflict):
        store.replace(second, moved)


def test_late_write_of_a_former_holder_is_refused(store):
    """A record that a later holder of the lock wrote is not overwritten by an earlier one, though it read it anew."""
    found = store.create(record().model_copy(update={"fence": 5}))
    with pytest.raises(Conflict, match="written under a later lock"):
        store.replace(found, found.record.model_copy(update={"fence": 4}))


def test_prefix_finds_one_record(store):
    """A prefix that fits none or several is refused with their number; other files are no records."""
    store.create(record())
    store.create(record(of=cause(action="experiment")))
    store.write_last_run(LastRun(cause="x", attempt=1, time=NOON, state=State.SUBMITTED))
    assert len(store.records()) == 2
    assert store.find_by_prefix(cause().id[:10]).record.cause == cause()
    with pytest.raises(NotFound, match="2 resubmissions"):
        store.find_by_prefix("")


def test_last_run_is_replaced(store):
    """None at first, then the latest."""
    assert store.last_run() is None
    for attempt in (1, 2):
        store.write_last_run(LastRun(cause="x", attempt=attempt, time=NOON, state=State.SUBMITTED))
        assert store.last_run().attempt == attempt


class Racing:
    """A store in which somebody else writes between a read and the write that rests on it."""

    def __init__(self, storage, race):
        self.storage, self.race = storage, race

    def __getattr__(self, name):
        return getattr(self.storage, name)

    def read_versioned(self, key):
        try:
            return self.storage.read_versioned(key)
        finally:
            self.race()


@pytest.mark.parametrize("known", [False, True])
def test_last_run_written_meanwhile_is_not_overwritten(storage_uri, known):
    """The first one and each later one are conditional writes: the slower writer is refused."""
    plain = RecordStore(open_storage(storage_uri), "m")
    runs = [LastRun(cause="x", attempt=attempt, time=NOON, state=State.SUBMITTED) for attempt in (1, 2, 3)]
    if known:
        plain.write_last_run(runs[0])
    racing = RecordStore(Racing(open_storage(storage_uri), lambda: plain.write_last_run(runs[1])), "m")
    with pytest.raises((AlreadyExists, Conflict)):
        racing.write_last_run(runs[2])
    assert plain.last_run() == runs[1]


def test_damaged_record_is_named(storage_uri):
    """What is no record is an error that names the object."""
    storage = open_storage(storage_uri)
    storage.write(f"resubmit/m/{cause().id}.json", b"{}")
    with pytest.raises(StorageError, match=f"resubmit/m/{cause().id}.json: damaged: not a Record"):
        RecordStore(storage, "m").records()
