"""What every place of keeping rollouts must do; each has a subclass and a ``records`` fixture without any rollout."""

from datetime import timedelta

import pytest

from clinical_ner.errors import AlreadyExists, ConfigError, Conflict, NotFound
from clinical_ner.rollout.plan import RolloutPlan
from clinical_ner.rollout.queueing import ahead_of, superseded_by
from clinical_ner.rollout.rollouts import find_active
from clinical_ner.rollout.specs import make_release
from clinical_ner.rollout.status import Abort, Approval, Phase, RolloutStatus
from clinical_ner.rollout.way_back import order_way_back
from clinical_ner.version_states import Cause
from tests.clinical_ner.rollout.file_world import MODEL
from tests.clinical_ner.rollout.stage import START, Stage

CAUSE = Cause("doctor", START + timedelta(days=1), "the ward complains")


def spec(name, minutes=0, when_busy="wait", approval="none", **changes):
    plan = RolloutPlan(when_busy=when_busy, approval=approval)
    return Stage().set_out(name=name, plan=plan, created=START + timedelta(minutes=minutes), **changes).spec


def put(records, name, phase, **options):
    return records.write_status(records.create(spec(name, **options)), RolloutStatus(phase=phase))


def abort(reason="stop"):
    return Abort(actor="doctor", time=START, reason=reason)


def approval(gate="start", actor="doctor"):
    return Approval(gate=gate, actor=actor, time=START, reason="looked at it")


class RolloutsConformance:
    """The tests."""

    def test_rollout_reads_back_as_it_was_written(self, records):
        """A whole status with evidence and events survives."""
        stage = Stage().set_out("before-100").go_to(Phase.WAITING_APPROVAL)
        stored = records.create(stage.spec)
        assert (stored.status, stored.requests.approvals) == (RolloutStatus(), ())
        written = records.write_status(stored, stage.status)
        assert (written.spec, written.status) == (stage.spec, stage.status)
        assert records.all() == [written]

    def test_rollout_of_one_name_is_made_once(self, records):
        """The second is refused, whoever makes it."""
        records.create(spec("v2"))
        with pytest.raises(AlreadyExists):
            records.create(spec("v2"))
        with pytest.raises(ConfigError):
            records.create(spec("../v2"))
        with pytest.raises(NotFound):
            records.read("v3")

    def test_status_meets_a_request_that_came_between(self, records):
        """Who advances reads it before anything is done."""
        stored = records.create(spec("v2"))
        records.abort("v2", abort())
        with pytest.raises(Conflict):
            records.write_status(stored, RolloutStatus(phase=Phase.STARTING))
        assert records.read("v2").status.phase is Phase.PENDING

    def test_status_is_written_once_from_one_reading(self, records):
        """Of two who read the same, the second does nothing in its name."""
        stored = records.create(spec("v2"))
        records.write_status(stored, RolloutStatus(phase=Phase.STARTING))
        with pytest.raises(Conflict):
            records.write_status(stored, RolloutStatus(phase=Phase.STARTING))

    def test_requests_are_kept_once(self, records):
        """A second approval of a gate, and a second order to end, change nothing, whoever gives them."""
        records.create(spec("v2", approval="before-start"))
        first = records.approve("v2", approval())
        assert records.approve("v2", approval(actor="another")) == first
        assert records.read("v2").requests.approvals == (approval(),)
        records.abort("v2", abort("first"))
        assert records.abort("v2", abort("second")).requests.abort.reason == "first"
        with pytest.raises(NotFound):
            records.abort("v3", abort())

    def test_ended_rollout_takes_no_requests(self, records):
        """The message says how it ended."""
        put(records, "v2", Phase.ROLLED_BACK)
        with pytest.raises(ConfigError, match="rolled-back"):
            records.abort("v2", abort())

    def test_older_rollout_goes_first(self, records):
        """And what has started already, whatever their ages."""
        older, newer = records.create(spec("v2", minutes=1)), records.create(spec("v3", minutes=2))
        assert (ahead_of(older, [older, newer]), ahead_of(newer, [older, newer])) == ("", "v2")
        late = put(records, "v1", Phase.HOLDING, minutes=9)
        assert ahead_of(older, [older, newer, late]) == "v1"
        assert [each.spec.name for each in records.all()] == ["v2", "v3", "v1"]
        assert find_active(records.all()).spec.name == "v1"

    def test_ended_rollout_holds_nobody_up(self, records):
        """Of any age."""
        put(records, "v2", Phase.SUCCEEDED, minutes=1)
        newer = records.create(spec("v3", minutes=2))
        assert ahead_of(newer, records.all()) == ""
        assert superseded_by(newer, records.all()) == ""

    def test_newer_rollout_supersedes_when_its_plan_says_so(self, records):
        """One that waits supersedes nobody, and nobody is superseded by an older one."""
        old = put(records, "v2", Phase.HOLDING, minutes=1)
        records.create(spec("v3", minutes=2))
        assert superseded_by(old, records.all()) == ""
        records.create(spec("v4", minutes=3, when_busy="supersede"))
        assert superseded_by(old, records.all()) == "v4"
        assert superseded_by(records.read("v4"), records.all()) == ""

    def test_way_back_is_one_order(self, records, store, registry):
        """What is under way is to end and be withdrawn; else the live version gives way to the one before it, once."""
        registry.promote(MODEL, "v2", actor="a", reason="r")
        stored = records.create(make_release(store, MODEL, "v3", RolloutPlan(), [], CAUSE))
        records.write_status(stored, RolloutStatus(phase=Phase.HOLDING))
        assert "v3 is to end" in order_way_back(records, store, MODEL, CAUSE)
        ordered = records.read("v3")
        assert ordered.requests.abort.withdraw
        records.write_status(ordered, RolloutStatus(phase=Phase.ROLLED_BACK))
        assert "brings v1 back in place of v2" in order_way_back(records, store, MODEL, CAUSE)
        assert "on its way back already" in order_way_back(records, store, MODEL, CAUSE)
        assert records.read("v1-again").spec.withdraws == "v2"
