"""Rollouts as they are written down, and which of several comes first."""

from datetime import timedelta

import pytest

from clinical_ner.errors import AlreadyExists, ConfigError, Conflict, NotFound, StorageError
from clinical_ner.rollout.plan import RolloutPlan
from clinical_ner.rollout.queueing import ahead_of, superseded_by
from clinical_ner.rollout.rollouts import find_active
from clinical_ner.rollout.status import Abort, Approval, Phase, RolloutStatus
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.storage import open_storage
from tests.clinical_ner.rollout.stage import START, Stage


@pytest.fixture
def records(tmp_path):
    return StoredRollouts(open_storage(str(tmp_path)), "clinical-ner")


def spec(name, minutes=0, when_busy="wait"):
    plan = RolloutPlan(when_busy=when_busy)
    return Stage().set_out(name=name, plan=plan, created=START + timedelta(minutes=minutes)).spec


def put(records, name, phase, **options):
    return records.write_status(records.create(spec(name, **options)), RolloutStatus(phase=phase))


def abort(reason="stop"):
    return Abort(actor="doctor", time=START, reason=reason)


def approval(gate="start", actor="doctor"):
    return Approval(gate=gate, actor=actor, time=START, reason="looked at it")


def test_rollout_reads_back_as_it_was_written(records):
    """A whole status with evidence and events survives its JSON."""
    stage = Stage().set_out("before-100").go_to(Phase.WAITING_APPROVAL)
    stored = records.create(stage.spec)
    written = records.write_status(stored, stage.status)
    assert (written.spec, written.status) == (stage.spec, stage.status)
    assert records.all() == [written]


def test_rollout_of_one_name_is_made_once(records):
    """The second is refused, whoever makes it."""
    records.create(spec("v2"))
    with pytest.raises(AlreadyExists):
        records.create(spec("v2"))
    with pytest.raises(ConfigError):
        records.create(spec("../v2"))
    with pytest.raises(NotFound):
        records.read("v3")


def test_status_meets_a_request_that_came_between(records):
    """Who advances reads it before anything is done."""
    stored = records.create(spec("v2"))
    records.abort("v2", abort())
    with pytest.raises(Conflict):
        records.write_status(stored, RolloutStatus(phase=Phase.STARTING))


def test_requests_are_kept_once(records):
    """A second approval of a gate, and a second order to end, change nothing."""
    records.create(spec("v2"))
    first = records.approve("v2", approval())
    assert records.approve("v2", approval(actor="another")) == first
    assert len(records.approve("v2", approval("promotion")).requests.approvals) == 2
    records.abort("v2", abort("first"))
    assert records.abort("v2", abort("second")).requests.abort.reason == "first"


def test_ended_rollout_takes_no_requests(records):
    """The message says how it ended."""
    put(records, "v2", Phase.ROLLED_BACK)
    with pytest.raises(ConfigError, match="rolled-back"):
        records.abort("v2", abort())


def test_damaged_record_is_named(records):
    """By its key."""
    records.create(spec("v2"))
    records.storage.write("rollouts/clinical-ner/v2.json", b"{}")
    with pytest.raises(StorageError, match=r"rollouts/clinical-ner/v2\.json"):
        records.all()


def test_older_rollout_goes_first(records):
    """And what has started already, whatever their ages."""
    older, newer = records.create(spec("v2", minutes=1)), records.create(spec("v3", minutes=2))
    assert (ahead_of(older, [older, newer]), ahead_of(newer, [older, newer])) == ("", "v2")
    late = put(records, "v4", Phase.HOLDING, minutes=9)
    assert ahead_of(older, [older, newer, late]) == "v4"
    assert find_active(records.all()).spec.name == "v4"


def test_ended_rollout_holds_nobody_up(records):
    """Of any age."""
    put(records, "v2", Phase.SUCCEEDED, minutes=1)
    newer = records.create(spec("v3", minutes=2))
    assert ahead_of(newer, records.all()) == ""
    assert superseded_by(newer, records.all()) == ""


def test_newer_rollout_supersedes_when_its_plan_says_so(records):
    """One that waits supersedes nobody, and nobody is superseded by an older one."""
    old = put(records, "v2", Phase.HOLDING, minutes=1)
    records.create(spec("v3", minutes=2))
    assert superseded_by(old, records.all()) == ""
    records.create(spec("v4", minutes=3, when_busy="supersede"))
    assert superseded_by(old, records.all()) == "v4"
    assert superseded_by(records.read("v4"), records.all()) == ""
