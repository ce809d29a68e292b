import io
import tempfile
from pathlib import Path

import orjson
import pytest
from rich.console import Console
from typer.testing import CliRunner

from clinical_ner.cli.rollout import app
from clinical_ner.cli.rollout_running import watch
from clinical_ner.errors import ConfigError, NotFound, RegistryError, RolloutError
from clinical_ner.registry import Registry
from clinical_ner.rollout.status import Phase, RolloutStatus
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.targets import ModelReference
from clinical_ner.storage import open_storage
from tests.clinical_ner.rollout.local.conftest import NAME, RunningService

BY = {"actor": "test", "reason": "a test"}
WHO = ("--actor", "ada", "--reason", "I read the card")


@pytest.fixture
def storage(tmp_path):
    return open_storage(str(tmp_path / "registry"))


@pytest.fixture
def registry(storage, other_model):
    """v1 is live, v2 approved, v3 a candidate."""
    registry = Registry(storage)
    for number in range(3):
        registry.register(NAME, other_model(number), **BY)
    for version in ("v1", "v2"):
        registry.approve(NAME, version, **BY)
    registry.promote(NAME, "v1", **BY)
    return registry


@pytest.fixture
def rollouts(storage):
    return StoredRollouts(storage, NAME)


@pytest.fixture
def folder():
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="local-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command on the registry, on a wide terminal; errors of the library come through."""
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setenv("CLINICAL_NER_REGISTRY_URI", (tmp_path / "registry").as_uri())

    def invoke(*arguments, status=0):
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == status, result.output
        return result.output

    return invoke


def write_plan(tmp_path, text):
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    return str(path)


def test_plan_shows_steps_and_limits(run, tmp_path):
    """What a file leaves out is shown as its default."""
    output = run("plan", "--plan", write_plan(tmp_path, "approval: before-100\nready_seconds: 30"))
    assert [f"{percent} %" in output for percent in (1, 10, 50, 100)] == [True] * 4
    assert "A person approves 100 %." in output
    assert "30 s" in output
    assert orjson.loads(run("plan", "--json"))["approval"] == "none"


def test_wrong_plan_is_refused(run, tmp_path):
    """The message names the file and the field."""
    with pytest.raises(ConfigError, match=r"plan\.yaml: ready_seconds"):
        run("plan", "--plan", write_plan(tmp_path, "ready_seconds: -1"))


def test_start_twice_is_one_rollout(run, registry, rollouts):
    """A pipeline's step that runs again finds what it asked for; another version is another rollout."""
    assert "was made" in run("start", "v2", *WHO)
    assert "is there already" in run("start", "v2", *WHO)
    run("start", "latest", *WHO)
    assert [each.spec.name for each in rollouts.all()] == ["v2", "v3"]
    assert (rollouts.read("v2").spec.actor, rollouts.read("v2").spec.reason) == ("ada", "I read the card")


def test_start_of_what_may_not_be_released_is_refused(run, registry):
    """A retired version is not rolled out, an unknown one not found, and nobody starts one without a reason."""
    registry.promote(NAME, "v2", **BY)
    with pytest.raises(RegistryError, match="v1 is retired"):
        run("start", "v1", *WHO)
    with pytest.raises(NotFound, match="v9"):
        run("start", "v9", *WHO)
    with pytest.raises(ConfigError, match="reason"):
        run("start", "v2", "--reason", " ")
    with pytest.raises(ConfigError, match="reason"):
        run("start", "v3", "--reason", " ")


def test_start_of_the_live_version_brings_it_back(run, registry, rollouts, folder):
    """The service has another one: everybody gets the live one again, and the registry's versions stay as they are."""
    other = registry.get(NAME, "v2")
    service = RunningService(folder, ModelReference(other.version, other.digest, other.uri)).start()
    service.wait_ready()
    before = registry.states(NAME).changes
    assert "rollout v1-again of clinical-ner v1 was made" in run("start", "v1", *WHO)
    assert "is there already" in run("start", "v1", *WHO)
    run("run", "--target", f"local:{folder}")
    assert service.target.observe().stable.version == "v1"
    run("start", "v1", *WHO)
    run("run", "--target", f"local:{folder}")
    assert [each.spec.name for each in rollouts.all()] == ["v1-again", "v1-again-2"]
    assert rollouts.all()[-1].status.reason == "v1 is the stable version and live already"
    assert registry.states(NAME).changes == before
    assert service.stop() == 0


def test_start_of_the_live_version_takes_no_plan_and_no_turn(run, registry, rollouts, tmp_path):
    """It is not judged; and what is under way would get a lost service first."""
    with pytest.raises(ConfigError, match="v1 is live"):
        run("start", "v1", *WHO, "--plan", write_plan(tmp_path, "ready_seconds: 9"))
    run("start", "v2", *WHO)
    with pytest.raises(RolloutError, match="rollout abort v2"):
        run("start", "v1", *WHO)
    assert [each.spec.name for each in rollouts.all()] == ["v2"]


def test_status_is_a_line_each_without_a_terminal(run, registry):
    """Version, phase, step, traffic and what it waits for; JSON holds all that is written down."""
    assert "no rollouts" in run("status")
    run("start", "v2", *WHO)
    (line,) = run("status").splitlines()
    assert line.startswith("v2: v2 pending, step 1/4, traffic v2 ?")
    (record,) = orjson.loads(run("status", "--json"))
    assert (record["spec"]["version"], record["status"]["phase"]) == ("v2", "pending")


def test_status_is_a_table_on_a_terminal(run, registry, rollouts):
    """One row a rollout; it is drawn again until all have ended, or once when that is asked for."""
    run("start", "v2", *WHO)
    run("start", "v3", *WHO)
    console = Console(force_terminal=True, width=200, file=io.StringIO())
    watch(rollouts, console, once=True)
    shown = console.file.getvalue()
    for word in ("rollout", "verdict", "age", "v2", "v3", "pending", "1/4"):
        assert word in shown


def test_explain_says_where_it_stands(run, registry):
    """The one under way when none is named; none at all is an error that says where to look."""
    with pytest.raises(NotFound, match="rollout status"):
        run("explain")
    run("start", "v2", *WHO)
    assert "Rollout v2 of clinical-ner v2 has not begun" in run("explain")
    assert run("explain") == run("explain", "v2")


def test_approval_is_kept_with_actor_and_reason(run, registry, rollouts, tmp_path):
    """Whom the plan asks about the start approves that, once; 100 % is another question, which this plan does not ask."""
    run("start", "v2", *WHO, "--plan", write_plan(tmp_path, "approval: before-start"))
    run("approve", *WHO)
    run("approve", "--actor", "bob", "--reason", "me too")
    (approval,) = rollouts.read("v2").requests.approvals
    assert (approval.gate, approval.actor, approval.reason) == ("start", "ada", "I read the card")
    with pytest.raises(ConfigError, match="asks for its start"):
        run("promote", *WHO)
    with pytest.raises(ConfigError, match="reason"):
        run("approve", "--reason", "")


def test_promotion_is_the_approval_of_100(run, registry, rollouts, tmp_path):
    """A plan that asks nobody cannot be hurried: it goes on when its checks pass."""
    run("start", "v2", *WHO, "--plan", write_plan(tmp_path, "approval: before-100"))
    run("start", "v3", *WHO)
    run("promote", "v2", *WHO)
    assert [each.gate for each in rollouts.read("v2").requests.approvals] == ["promotion"]
    with pytest.raises(ConfigError, match="asks for nothing"):
        run("approve", "v3", *WHO)


def test_abort_is_one_write(run, registry, rollouts):
    """Who, why, and whether the version is withdrawn too."""
    run("start", "v2", *WHO)
    run("abort", *WHO, "--withdraw")
    order = rollouts.read("v2").requests.abort
    assert (order.actor, order.reason, order.withdraw) == ("ada", "I read the card", True)


def test_rollback_without_a_version_before_is_refused(run, registry):
    """There is nothing to go back to."""
    with pytest.raises(RegistryError, match="before v1 no version was live"):
        run("rollback", *WHO, "--no-wait")


def test_unknown_target_is_refused(run, registry):
    """The message says what is expected; a folder without a service is unreachable."""
    with pytest.raises(ConfigError, match="local:FOLDER"):
        run("run", "--target", "elsewhere")
    assert "ever asked for" in run("run", "--target", "local:nowhere")


def test_rollback_serves_the_version_before_and_says_how_long_it_took(run, registry, rollouts, folder):
    """The live version is withdrawn for good, the one before it serves everybody and is live."""
    registry.promote(NAME, "v2", **BY)
    live = registry.get(NAME, "v2")
    service = RunningService(folder, ModelReference(live.version, live.digest, live.uri)).start()
    service.wait_ready()
    output = run("rollback", *WHO, "--target", f"local:{folder}")
    assert "brings v1 back in place of v2" in output
    assert "s from the order to the end" in output
    assert rollouts.all()[-1].status.phase is Phase.SUCCEEDED
    assert (registry.get(NAME, "v1").state, registry.get(NAME, "v2").state) == ("live", "rolled-back")
    assert service.target.observe().stable.version == "v1"
    assert service.stop() == 0


def test_rollback_of_what_was_promoted_meanwhile_goes_back_from_there(run, registry, rollouts, folder):
    """The order to end a rollout comes too late once it has everybody: the version before is brought back in its place."""
    run("start", "v2", *WHO)
    registry.promote(NAME, "v2", **BY)
    promoting = {"phase": Phase.PROMOTING, "step": 3, "stable_version": "v1", "live_before": "v1"}
    rollouts.write_status(rollouts.read("v2"), RolloutStatus(**promoting))
    service = serve(registry, folder, "v2")
    output = run("rollback", *WHO, "--target", f"local:{folder}")
    assert "brings v1 back in place of v2" in output
    assert service.target.observe().stable.version == "v1"
    assert service.stop() == 0


def test_rollback_that_leaves_the_bad_version_ends_with_1(run, registry, rollouts, folder, tmp_path):
    """The version before has a damaged file, and its server refuses it."""
    registry.promote(NAME, "v2", **BY)
    service = serve(registry, folder, "v2")
    damaged = next((tmp_path / "registry").rglob("v1/model.crfsuite"))
    damaged.write_bytes(b"")
    output = run("rollback", *WHO, "--target", f"local:{folder}", status=1)
    assert "v1-again: v1 rolled-back" in output
    assert (service.target.observe().stable.version, registry.get(NAME, "v2").state) == ("v2", "live")
    assert service.stop() == 0


def serve(registry, folder, version):
    found = registry.get(NAME, version)
    service = RunningService(folder, ModelReference(found.version, found.digest, found.uri)).start()
    service.wait_ready()
    return service


def test_run_without_a_service_says_so_in_the_status(run, registry, rollouts, folder, monkeypatch):
    """Nothing is known of a service that does not answer: the rollout waits, until a person interrupts."""
    run("start", "v2", *WHO)
    monkeypatch.setattr("time.sleep", stop)
    run("run", "--target", f"local:{folder}", status=130)
    status = rollouts.read("v2").status
    assert status.phase is Phase.PENDING
    assert "no local service answers" in status.problems[0]


def stop(_seconds):
    raise KeyboardInterrupt
