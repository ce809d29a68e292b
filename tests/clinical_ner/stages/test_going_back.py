"""Reviewed notes show the live version to be worse: the monitor orders the way back, once, and a runner carries it out."""

from dataclasses import replace

import orjson
import pytest

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.drift.decision import Decision
from clinical_ner.drift.judged import dump_judged
from clinical_ner.drift.rules import DriftRules
from clinical_ner.drift.windows import WindowDrift
from clinical_ner.errors import ConfigError
from clinical_ner.feedback import add_corrections
from clinical_ner.registry import Registry
from clinical_ner.resubmit import RunState
from clinical_ner.resubmit.local_backend import LocalBackend
from clinical_ner.resubmit.store import RecordStore
from clinical_ner.rollout.runner import Runner
from clinical_ner.rollout.status import Abort, Phase
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.targets import Backend
from clinical_ner.storage import open_storage
from tests.clinical_ner.resubmit.conftest import live, model  # noqa: F401  # fixtures
from tests.clinical_ner.resubmit.small_pipeline import compile_small_pipeline
from tests.clinical_ner.rollout.file_world import FileWorld
from tests.clinical_ner.rollout.stage import START
from tests.clinical_ner.stages.monitored import DAY, END, make_live, run_collect, run_decide, run_resubmit
from tests.clinical_ner.stages.stage_runs import NAME

RULES = DriftRules(min_reviewed_notes=20)
BACK = {"roll_back_on": "reviewed-f1", "rollout_target": "local:service"}


class Watched:
    """A service whose live version v2 knows three words, behind v1 that knows a corpus, and its monitor."""

    def __init__(self, registry_uri, folder, answered_by):
        self.registry_uri, self.folder = registry_uri, folder
        self.storage = open_storage(registry_uri)
        self.registry, self.rollouts = Registry(self.storage), StoredRollouts(self.storage, NAME)
        digests = {version.version: version.digest for version in self.registry.versions(NAME)}
        self.world = FileWorld(self.storage)
        self.world.create(Backend("v2", digests["v2"], ready=True), digests)
        metadata = {"stratum": "uniform", "probability": "0.5", "model_digest": digests[answered_by]}
        notes = [replace(note, metadata=metadata) for note in synthesize(30, seed=30)]
        self.reviewed = add_corrections(self.storage, NAME, notes)

    def decide(self, **changed):
        run_collect(self.registry_uri, self.folder, END)
        judged = dump_judged(RULES, (self.window(1), self.window(0)), scores=())
        (self.folder / "drift").write_bytes(judged)
        return run_decide(self.registry_uri, self.folder, corrections_uri="none", **{**BACK, **changed})

    def window(self, days_ago):
        """Of the live version, without notes."""
        found, end = self.registry.get(NAME, "live"), END - days_ago * DAY
        fields = {"model_name": NAME, "model_version": found.version, "model_digest": found.digest, "notes": 0, "refused": 0}
        return WindowDrift(start=end - DAY, end=end, unjudged="The window holds no note.", deviation=0.0, **fields)

    def act(self, **changed):
        """The resubmit stage; its status and alerts."""
        status = run_resubmit(self.registry_uri, self.folder, **{**BACK, **changed})
        return status, orjson.loads((self.folder / "outcome").read_bytes())["alerts"]

    def run_rollouts(self, looks=60):
        runner = Runner(self.rollouts, self.world, self.world, self.registry, NAME, timer=self.world.now)
        for _ in range(looks):
            runner.tick()

    def phases(self):
        return {each.spec.name: each.status.phase for each in self.rollouts.all()}

    def live(self):
        return self.registry.states(NAME).live


@pytest.fixture
def watched(finished, tmp_path, live):  # noqa: F811
    """``watched(answered_by)``: the service, with reviewed notes that this version answered."""
    registry_uri = make_live(finished, tmp_path / "own", reference_notes=0)
    live(registry_uri, synthesize(40, seed=70))
    return lambda answered_by="v2": Watched(registry_uri, tmp_path, answered_by)


def test_worse_live_version_is_rolled_back_once(watched):
    """One order, whatever comes of the training, and v1 serves everybody again; later monitors order nothing more."""
    service = watched()
    assert service.decide() == "yes"
    status, alerts = service.act()
    assert status == "proposed"
    assert alerts[0] == "clinical-ner: rollout v1-again brings v1 back in place of v2"
    (restore,) = service.rollouts.all()
    assert (restore.spec.purpose, restore.spec.withdraws) == ("restore", "v2")
    assert restore.spec.actor.startswith("monitoring-pipeline")
    assert "strict F1 is below the previous one's" in restore.spec.reason
    assert service.live() == "v2"
    service.act()
    service.run_rollouts()
    assert service.phases() == {"v1-again": Phase.SUCCEEDED}
    assert (service.live(), service.world.service().stable.version) == ("v1", "v1")
    assert service.registry.get(NAME, "v2").state == "rolled-back"
    service.act()  # by the old decision
    service.decide()
    service.act()
    assert service.phases() == {"v1-again": Phase.SUCCEEDED}
    assert service.live() == "v1"


def test_notes_that_another_version_answered_roll_nothing_back(watched):
    """They say how good it would have been; too few notes of its own are told as such."""
    service = watched("v1")
    assert service.decide() == "no"
    decision = orjson.loads((service.folder / "decision").read_bytes())
    assert (decision["action"] != "roll-back", decision["reviewed"]["notes"]) == (True, 0)
    service.act()
    assert service.phases() == {}


def test_drift_alone_rolls_nothing_back(watched):
    """A shifted window asks for data, not for the version before."""
    service = watched()
    fields = {"deviation": 60.0, "columns": ("tokens",), "reasons": ("tokens deviates by 60 %.",), "rules": RULES}
    decision = Decision(action="experiment", window=service.window(0), **fields)
    (service.folder / "decision").write_text(decision.model_dump_json())
    service.act()
    assert (service.phases(), service.live()) == ({}, "v2")


def test_way_back_that_a_person_ended_is_not_ordered_again(watched):
    """The version stays live, and each run says what became of the order."""
    service = watched()
    service.decide()
    service.act()
    service.rollouts.abort("v1-again", Abort(actor="doctor", time=START, reason="v2 stays"))
    service.run_rollouts(5)
    for _ in range(2):
        service.decide()
        _, alerts = service.act()
        assert "doctor ended it: v2 stays" in alerts[0]
    assert service.phases() == {"v1-again": Phase.ROLLED_BACK}
    assert service.live() == "v2"


def test_never_leaves_the_way_back_to_a_person(watched, tmp_path):
    """The alert says by which command; nothing is ordered or submitted, and the live pointer stays, also with mode=auto."""
    service = watched()
    service.decide(roll_back_on="never")
    package = compile_small_pipeline(tmp_path / "small.yaml")
    status, alerts = service.act(roll_back_on="never", mode="auto", package=package)
    assert status == "proposed"
    assert "clinical-ner rollout rollback --target local:service" in alerts[0]
    assert (service.phases(), service.live()) == ({}, "v2")


def test_training_waits_until_the_way_back_has_ended(watched, tmp_path):
    """It is to be judged against the version that is live again by then; the next monitor submits it."""
    service = watched()
    service.decide()
    package = compile_small_pipeline(tmp_path / "small.yaml")
    status, alerts = service.act(mode="auto", package=package)
    assert status == "submitting"
    assert "v2 is still live; the training begins when" in alerts[1]
    service.run_rollouts()
    assert service.decide() == "yes"
    service.act(mode="auto", package=package)
    (record,) = RecordStore(service.storage, NAME).records()
    assert LocalBackend(package, service.folder / "runs").wait(record.run) is RunState.SUCCEEDED
    assert record.parameters["rollout_target"] == "local:service"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"roll_back_on": "drift"}, "roll_back_on: 'drift' is neither 'never' nor 'reviewed-f1'"),
        ({"rollout_target": ""}, "roll_back_on: 'reviewed-f1' needs a rollout_target"),
        ({"rollout_target": "somewhere"}, "rollout target 'somewhere': expected"),
    ],
)
def test_wrong_way_back_is_refused_before_it_is_needed(watched, changed, reason):
    """By each run's decision, since the stage that would order it runs seldom."""
    with pytest.raises(ConfigError, match=reason):
        watched().decide(**changed)
