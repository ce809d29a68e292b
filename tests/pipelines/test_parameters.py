"""Pipeline parameters as command-line options, and the command line of ``python -m pipelines``."""

import inspect
import io

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from clinical_ner.drift.rules import DriftRules
from clinical_ner.errors import ConfigError
from clinical_ner.resubmit import ResubmitRules
from pipelines.__main__ import app
from pipelines.definitions import DEFINITIONS, MONITORING
from pipelines.parameters import default_parameters, parse_defaults, with_pipeline_parameters
from pipelines.running import run
from pipelines.training import training

PARAMETERS = inspect.signature(training).parameters
MONITORED = inspect.signature(MONITORING.function).parameters
COMMANDS = typer.main.get_command(app).commands


REMOTE = ("submit", "schedule")


def options_of(command, word=None):
    """The options of a command, or of one of a group."""
    found = COMMANDS[command].commands[word] if word else COMMANDS[command]
    return {option.name: option for option in found.params}


def meaning_of(name, pipeline=training):
    """What the pipeline's docstring says of a parameter."""
    line = next(line for line in inspect.getdoc(pipeline).splitlines() if line.strip().startswith(f"{name}: "))
    return line.strip().removeprefix(f"{name}: ")


@pytest.mark.parametrize("command", [("run",), *((group, "training") for group in REMOTE)], ids=" ".join)
@pytest.mark.parametrize("name", PARAMETERS)
def test_every_pipeline_parameter_is_an_option(command, name):
    """Same name with dashes, same help, same default; a flag for a yes or no."""
    option = options_of(*command)[name]
    assert f"--{name.replace('_', '-')}" in option.opts
    assert option.help == meaning_of(name)
    assert not option.required
    assert option.is_flag is (PARAMETERS[name].annotation is bool)
    assert type(option.default) is PARAMETERS[name].annotation
    if name != "registry_uri":
        assert option.default == PARAMETERS[name].default


@pytest.mark.parametrize("command", [("monitor",), *((group, "monitoring") for group in REMOTE)], ids=" ".join)
@pytest.mark.parametrize("name", MONITORED)
def test_every_monitoring_parameter_is_an_option(command, name):
    """As for the training pipeline; where things lie on one machine has other defaults than in a cluster."""
    option = options_of(*command)[name]
    assert f"--{name.replace('_', '-')}" in option.opts
    assert option.help == meaning_of(name, MONITORING.function)
    assert type(option.default) is MONITORED[name].annotation
    if name not in {"registry_uri", "log_uri", "training_package", "runs_folder", "kfp_host"}:
        assert option.default == MONITORED[name].default


def test_monitoring_defaults_are_the_rules():
    """Limits of decision and resubmission are what the library's own defaults say."""
    rules = {**DriftRules().model_dump(), **ResubmitRules().model_dump(exclude={"parameters"})}
    assert {name: default_parameters(MONITORING.function)[name] for name in rules} == rules


def test_registry_of_a_local_run_is_local():
    """On one machine the registry lies here, on a cluster in a bucket."""
    assert options_of("run")["registry_uri"].default.startswith("file://")
    for group in REMOTE:
        assert options_of(group, "training")["registry_uri"].default.startswith("s3://")
        assert options_of(group, "monitoring")["registry_uri"].default.startswith("s3://")


WORDS = [[], *([name] for name in COMMANDS), *([group, name] for group in REMOTE for name in COMMANDS[group].commands)]


@pytest.mark.parametrize("command", WORDS, ids=" ".join)
def test_help_of_every_command(command):
    """--help ends with 0, and every option is explained."""
    result = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "Usage:" in result.output
    if command:
        assert [option.name for option in options_of(*command).values() if not option.help] == []


@pytest.fixture
def received():
    """A command with the pipeline's parameters, and what it was called with."""
    small, calls = typer.Typer(), []

    @small.command()
    @with_pipeline_parameters(seed=5, model_name="other")
    def show(parameters: dict[str, object], output: str = "here", quiet: bool = False) -> None:
        calls.append((parameters, output, quiet))

    def call(*arguments):
        result = CliRunner().invoke(small, arguments)
        assert result.exit_code == 0, result.output
        return calls.pop()

    return call


def test_command_receives_parameters_and_its_own_options(received):
    """All pipeline parameters come in one mapping, with the command's defaults in place of the pipeline's."""
    assert received() == (default_parameters(seed=5, model_name="other"), "here", False)
    changed = ("--n-trials", "3", "--min-f1=0.5", "--no-latency-decides", "--approval-required", "--seed", "0")
    parameters, output, quiet = received(*changed, "--output", "there", "--quiet")
    expected = {"n_trials": 3, "min_f1": 0.5, "latency_decides": False, "approval_required": True, "seed": 0}
    assert parameters == default_parameters(model_name="other", **expected)
    assert (output, quiet) == ("there", True)


def test_wrong_type_is_misuse():
    """A word where a number is expected ends with status 2 and the option's name."""
    result = CliRunner().invoke(app, ["run", "--n-trials", "many"])
    assert result.exit_code == 2
    assert "--n-trials" in result.output


def test_compile_writes_the_compiled_pipelines(tmp_path):
    """`compile` writes what is in the repository unless platform choices say otherwise."""
    result = CliRunner().invoke(app, ["compile", "--output", str(tmp_path)])
    assert result.exit_code == 0
    assert len(list(tmp_path.iterdir())) == len(DEFINITIONS) == 2
    for definition in DEFINITIONS:
        assert (tmp_path / definition.file_name).read_text() == definition.compiled.read_text()


def test_wrong_rollout_is_refused_before_anything_is_trained(tmp_path):
    """It is the last stage's, which an hour of training may lie before."""
    parameters = default_parameters(rollout_target="local:service", rollout_plan="{steps: []}")
    with pytest.raises(ConfigError, match="rollout_plan: plan: percents must ascend"):
        run(parameters, tmp_path / "output", Console(file=io.StringIO()))
    assert not (tmp_path / "output").exists()


def test_defaults_are_read_as_name_and_value():
    """A value may hold what separates; the later of two is meant."""
    given = ["rollout_plan={approval: before-100}", "log_uri=s3://a?b=c", "log_uri=s3://b?c=d"]
    parsed = parse_defaults(given, [training, MONITORING.function])
    assert parsed == {"rollout_plan": "{approval: before-100}", "log_uri": "s3://b?c=d"}


@pytest.mark.parametrize(
    ("given", "told"),
    [("registry_uri", "NAME=VALUE is expected"), ("registry=s3://a", "a parameter of no pipeline"), ("seed=3", "is no text")],
)
def test_default_that_nothing_takes_is_refused(given, told, tmp_path):
    """Before anything is written."""
    done = CliRunner().invoke(app, ["compile", "--output", str(tmp_path), "--default", given])
    assert isinstance(done.exception, ConfigError)
    assert told in str(done.exception)
    assert not list(tmp_path.iterdir())
