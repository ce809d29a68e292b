"""The rollout stage: what the pipeline asks for, once, and what it waits for."""

import threading

import pytest
from structlog.testing import capture_logs

from clinical_ner.errors import ConfigError, RegistryError, RolloutError
from clinical_ner.registry import Registry
from clinical_ner.rollout import waiting
from clinical_ner.rollout.runner import Runner
from clinical_ner.rollout.status import Abort, Phase
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.targets import Backend
from clinical_ner.stages.rollout import rollout
from clinical_ner.storage import open_storage
from tests.clinical_ner.rollout.file_world import MODEL, FileWorld
from tests.clinical_ner.rollout.stage import START, Stage

BY = {"actor": "test", "reason": "a test"}
TARGET = "local:service"
PLAN = Stage().set_out().spec.plan.model_dump_json()


@pytest.fixture
def storage(tmp_path):
    return open_storage(str(tmp_path / "registry"))


@pytest.fixture
def registry(storage, other_model):
    """v1 is live and served, v2 approved, v3 a candidate."""
    registry = Registry(storage)
    versions = [registry.register(MODEL, other_model(number), **BY) for number in range(3)]
    digests = {version.version: version.digest for version in versions}
    for version in ("v1", "v2"):
        registry.approve(MODEL, version, **BY)
    registry.promote(MODEL, "v1", **BY)
    FileWorld(storage).create(Backend("v1", digests["v1"], ready=True), digests)
    return registry


@pytest.fixture
def rollouts(storage):
    return StoredRollouts(storage, MODEL)


@pytest.fixture
def stage(registry, storage, tmp_path, monkeypatch):
    """``stage(version)``: the stage on that version; it looks often when it waits."""
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.02)

    def run(version="v2", **changed):
        chosen = {"rollout_target": TARGET, "rollout_plan": PLAN, "rollout_wait_minutes": 0, "model_name": MODEL} | changed
        return rollout(
            version_uri=storage.uri(f"models/{MODEL}/{version}"),
            registry_uri=str(tmp_path / "registry"),
            rollout_report_path=tmp_path / "report",
            **chosen,
        )

    run.report = tmp_path / "report"
    return run


@pytest.fixture
def advancing(registry, storage, rollouts):
    """``advancing(on_look)``: somebody advances rollouts meanwhile, and does that before each look; ends with the test."""
    stopped, threads = threading.Event(), []

    def start(on_look=lambda: None):
        world = FileWorld(storage)
        runner = Runner(rollouts, world, world, registry, MODEL, timer=world.now)

        def advance():
            while not stopped.is_set():
                on_look()
                runner.tick()

        threads.append(threading.Thread(target=advance, daemon=True))
        threads[-1].start()

    yield start
    stopped.set()
    for thread in threads:
        thread.join()


def test_rollout_is_asked_for_and_left(stage, registry, rollouts):
    """It is named after the version, carries the plan and who asked; nothing else is live; the report says what next."""
    assert stage() == ("v2", "pending")
    (stored,) = rollouts.all()
    spec = stored.spec
    assert (spec.name, spec.version, spec.digest) == ("v2", "v2", registry.get(MODEL, "v2").digest)
    assert (spec.actor, spec.plan) == ("training-pipeline", Stage().set_out().spec.plan)
    assert registry.champion(MODEL).version == "v1"
    report = stage.report.read_text()
    assert "Rollout v2 of clinical-ner: pending" in report
    assert f"clinical-ner rollout run --target {TARGET}" in report
    assert "| 5 % |" in report


def test_repeated_step_finds_its_rollout(stage, rollouts):
    """Also one that has begun, and with another plan: it is one rollout."""
    stage()
    stored = rollouts.read("v2")
    rollouts.write_status(stored, stored.status.model_copy(update={"phase": Phase.HOLDING}))
    assert stage(rollout_plan="") == ("v2", "holding")
    assert [each.spec for each in rollouts.all()] == [stored.spec]


def test_step_waits_until_the_version_is_live(stage, registry, advancing):
    """It ends when everybody is served, with a line for each change and the steps in the report; again, it finds it done."""
    advancing()
    with capture_logs() as logs:
        assert stage(rollout_wait_minutes=5) == ("v2", "succeeded")
    assert registry.champion(MODEL).version == "v2"
    phases = [entry["phase"] for entry in logs if entry["event"] == "rollout"]
    assert phases[-1] == "succeeded"
    assert all(entry["name"] == "v2" and entry["reason"] for entry in logs)
    assert stage.report.read_text().count("| pass |") == 3
    assert stage(rollout_wait_minutes=5) == ("v2", "succeeded")


@pytest.mark.parametrize("withdraw", [False, True])
def test_step_fails_when_its_rollout_is_rolled_back(stage, registry, rollouts, advancing, withdraw):
    """With the reason and what can be done, and the report is there; a later step without waiting says the same."""
    order = Abort(actor="doctor", time=START, reason="the ward complains", withdraw=withdraw)

    def end():
        if rollouts.all() and not rollouts.read("v2").status.ended:
            rollouts.abort("v2", order)

    advancing(end)
    remedy = "train another" if withdraw else "rollout start v2` tries again"
    with pytest.raises(RolloutError, match=rf"rollout v2 rolled-back: .*the ward complains.*{remedy}"):
        stage(rollout_wait_minutes=5)
    assert "rolled-back" in stage.report.read_text()
    with pytest.raises(RolloutError, match="the ward complains"):
        stage()
    assert [each.spec.name for each in rollouts.all()] == ["v2"]


def test_step_that_waited_in_vain_fails(stage, rollouts, monkeypatch):
    """Nobody advances the rollout, which stays as it is; the message says what it waits for."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with pytest.raises(RolloutError, match="rollout v2 is pending after rollout_wait_minutes = 1 and goes on without"):
        stage(rollout_wait_minutes=1)
    assert [each.status.phase for each in rollouts.all()] == [Phase.PENDING]


def test_candidate_waits_for_its_approval(stage, registry, rollouts, advancing):
    """Its rollout is made, and begins when a person has approved the version."""

    def approve():
        if rollouts.all() and "to be approved" in rollouts.read("v3").status.waits_for:
            registry.approve(MODEL, "v3", **BY)

    assert stage("v3") == ("v3", "pending")
    advancing(approve)
    assert stage("v3", rollout_wait_minutes=5) == ("v3", "succeeded")


@pytest.mark.parametrize(("version", "says"), [("v1", "It is live"), ("v2", "waits to be rolled out")])
def test_without_target_nothing_is_asked_for(stage, rollouts, version, says):
    """The report says how the version stands."""
    assert stage(version, rollout_target="", rollout_plan="") == ("", "none")
    assert rollouts.all() == []
    assert says in stage.report.read_text()


def test_live_version_needs_no_rollout(stage, rollouts):
    """The pipeline came to the model that serves already, which went live without one."""
    assert stage("v1") == ("", "none")
    assert rollouts.all() == []


def test_rejected_version_is_not_rolled_out(stage, registry, rollouts):
    """Whoever rejected it in between is heard."""
    registry.reject(MODEL, "v2", **BY)
    with pytest.raises(RegistryError, match="v2 is rejected"):
        stage()
    assert rollouts.all() == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"rollout_target": "service"}, "rollout target 'service': expected"),
        ({"rollout_target": "kserve:ward/ner"}, r"registry_uri: kserve:ward/ner cannot load file:.* begin with s3://"),
        ({"rollout_plan": "{steps: [{percent: 0}]}"}, r"rollout_plan: steps\.0\.percent"),
        ({"rollout_plan": "no/such/plan.yaml"}, "neither a plan as YAML nor where one lies"),
        ({"rollout_wait_minutes": -1}, "rollout_wait_minutes: -1 is not 0 to 1440"),
        ({"rollout_wait_minutes": 1441}, "rollout_wait_minutes: 1441 is not 0 to 1440"),
        ({"rollout_target": ""}, "of no use without a rollout_target"),
    ],
)
def test_wrong_parameters_are_named(stage, rollouts, changed, reason):
    """With value and limit, and nothing is asked for; KServe would stop without a word at a URI that it cannot load."""
    with pytest.raises(ConfigError, match=reason):
        stage(**changed)
    assert rollouts.all() == []
