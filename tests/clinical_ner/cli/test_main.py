"""The command line as a whole: help that can be read, and ends that programs understand."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from clinical_ner.cli import app
from clinical_ner.cli.errors import run_app
from clinical_ner.errors import ClinicalNerError, ConfigError, DataError

COMMAND = Path(sys.executable).with_name("clinical-ner")
PATIENT = "Zebulon Quartermain"


def paths(command, prefix=()):
    """Every command and group below ``command``, as the words that call it."""
    yield prefix
    for name, child in getattr(command, "commands", {}).items():
        yield from paths(child, (*prefix, name))


ALL = list(paths(typer.main.get_command(app)))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_of_every_command(words):
    """--help ends with 0 and says what the command does; every option of it is explained."""
    result = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "Usage:" in result.output
    command = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]
    assert len(command.help or "") > 20
    assert [option.name for option in command.params if option.param_type_name == "option" and not option.help] == []


def test_every_command_of_the_manual_is_there():
    """What people and scripts call."""
    expected = {("corpus", "validate"), ("corpus", "convert"), ("corpus", "synthesize"), ("predict",), ("evaluate",)}
    expected |= {("data", name) for name in ("list", "show", "diff")}
    expected |= {("models", name) for name in ("list", "show", "verify", "diff", "approve", "promote", "prune")}
    assert expected <= set(ALL)


@pytest.mark.parametrize(
    ("error", "status"), [(ConfigError("seed: no"), 2), (DataError("a:1: no"), 1), (ClinicalNerError("no"), 1)]
)
def test_error_of_the_library_is_one_line(error, status, capsys, monkeypatch):
    """The message alone goes to stderr, whole however long; the status tells a wrong question from a failure."""
    broken = typer.Typer()

    @broken.command()
    def fail():
        raise error

    monkeypatch.setattr(sys, "argv", ["broken"])
    monkeypatch.setenv("COLUMNS", "20")
    error.args = (f"{error.args[0]} [red]{'x' * 300}[/red]",)
    with pytest.raises(SystemExit) as ended:
        run_app(broken)
    assert ended.value.code == status
    assert capsys.readouterr() == ("", f"error: {error}\n")


def test_unknown_command_is_misuse():
    """Status 2 and the word that was not understood."""
    result = CliRunner().invoke(app, ["predikt"])
    assert result.exit_code == 2
    assert "predikt" in result.output


@pytest.fixture(scope="module")
def failing_run(tmp_path_factory):
    """The installed command on a corpus with a bad record, in a process of its own."""
    folder = tmp_path_factory.mktemp("installed")
    (folder / "a.jsonl").write_text(f'{{"text": "{PATIENT} has gout", "id": 1}}\n')
    command = [COMMAND, "corpus", "validate", "a.jsonl", "--format", "jsonl"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_installed_command_ends_as_promised(failing_run):
    """The console script maps errors to a status, without a traceback and without note text."""
    assert failing_run.returncode == 1
    assert "a.jsonl:1: id: not a string" in failing_run.stdout + failing_run.stderr
    assert "Traceback" not in failing_run.stderr
    assert "Zebulon" not in failing_run.stdout + failing_run.stderr


def test_unexpected_error_shows_no_local_variables(tmp_path):
    """Even a bug's traceback holds no value of a variable: values are note text."""
    (tmp_path / "bug.py").write_text(
        "import typer\n"
        "from clinical_ner.cli.errors import run_app\n"
        "app = typer.Typer()\n"
        "@app.command()\n"
        "def fail(n: int = 1):\n"
        "    note = ' '.join(['Zeb' + 'ulon', 'has gout'])\n"
        "    raise KeyError(n)\n"
        "run_app(app)\n"
    )
    done = subprocess.run([sys.executable, "bug.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "KeyError" in done.stderr
    assert "Zebulon" not in done.stderr
