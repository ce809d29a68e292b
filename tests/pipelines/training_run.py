"""A small run of the training pipeline by its command, each stage a process; all tests of a process share one."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

SMALL = {
    "corpus_uri": "synthetic://?notes=100&seed=0",
    "n_trials": 2,
    "max_iterations": 30,
    "min_f1": 0.2,
    "min_test_spans": 20,
}
"""A small search and low floors."""


class Approved(NamedTuple):
    """Where it wrote, what it printed, and what its ``run.json`` held."""

    output: Path
    printed: str
    results: dict[str, Any]


def arguments(output: Path, **options: object) -> list[str]:
    """Of ``python -m pipelines``, for a small run into ``output`` unless ``options`` say otherwise."""
    chosen = {**SMALL, "registry_uri": output / "registry", "output": output, **options}
    names = {name: f"--{name.replace('_', '-')}" for name in chosen}
    return ["run", *(names[name] if value is True else f"{names[name]}={value}" for name, value in chosen.items())]


def command(output: Path, **options: object) -> list[str]:
    return [sys.executable, "-m", "pipelines", *arguments(output, **options)]


def run(output: Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(output, **options), capture_output=True, text=True, timeout=280, check=False)


@pytest.fixture(scope="session")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Approved:
    """A run whose model is approved."""
    output = tmp_path_factory.mktemp("approved")
    done = run(output)
    assert done.returncode == 0, done.stdout + done.stderr
    return Approved(output, done.stdout, json.loads((output / "run.json").read_text()))
