"""The wheel: built from a copy of the sources, installed apart, and imported away from them."""

import ast
import os
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import clinical_ner

ROOT = Path(__file__).parents[1]
COPIED = ("clinical_ner", "components", "pipelines", "serving", "setup.cfg", "pyproject.toml", "README.md", "CHANGELOG.md")
PROBE = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import clinical_ner
names = [module.name for module in pkgutil.walk_packages(clinical_ner.__path__, "clinical_ner.")]
for name in names:
    importlib.import_module(name)
from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.reports.gate_report import render_gate_report
from clinical_ner.gate import GateReport
report = render_gate_report(GateReport(verdict="approve", checks=(), champion="", comparison={}))
foreign = sorted(name for name in sys.modules if name.split(".")[0] in ("components", "pipelines", "serving", "tests"))
print([clinical_ner.__file__, names, len(synthesize(3, seed=0)), len(report) > 0, foreign])
"""


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=200, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of a copy of the sources with everything beside them; the tree itself stays clean."""
    source = tmp_path_factory.mktemp("source")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", source / "dist", source)
    (built,) = (source / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder into which the wheel alone is installed."""
    target = tmp_path_factory.mktemp("installed")
    uv = Path(sys.executable).with_name("uv")
    run(uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", sys.executable, "--target", target, wheel)
    return target


def names_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_holds_nothing_but_the_library(wheel):
    """Components, pipelines, serving and tests are no packages to install."""
    version = clinical_ner.__version__
    assert {name.split("/")[0] for name in names_in(wheel)} == {"clinical_ner", f"clinical_ner-{version}.dist-info"}
    assert wheel.name == f"clinical_ner-{version}-py3-none-any.whl"


def test_wheel_holds_every_file_of_the_library(wheel):
    """Modules, py.typed, templates and the grammar of synthetic notes: what is in the tree is in the wheel."""
    folder = ROOT / "clinical_ner"
    files = {path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    in_tree = {path.relative_to(ROOT).as_posix() for path in files}
    assert {name for name in names_in(wheel) if name.startswith("clinical_ner/")} == in_tree
    assert {Path(name).suffix for name in in_tree} >= {".py", ".typed", ".jinja", ".txt"}


def test_wheel_names_its_command_and_extras(installed):
    """One console script, the supported Python, and the extras that images and developers install."""
    (info,) = installed.glob("*.dist-info")
    assert "clinical-ner = clinical_ner.__main__:main" in (info / "entry_points.txt").read_text()
    metadata = Parser().parsestr((info / "METADATA").read_text())
    assert (metadata["Name"], metadata["Version"]) == ("clinical-ner", clinical_ner.__version__)
    assert set(metadata.get_all("Provides-Extra")) == {"train", "serve", "monitor", "rollout", "spark", "dev"}
    assert ",".join(sorted(metadata["Requires-Python"].split(","))) == "<3.12,>=3.11"


def test_installed_library_works_away_from_its_sources(installed, tmp_path):
    """Every module imports, templates and grammar are found, and nothing of the other folders is needed."""
    out = run(
        sys.executable, "-I", "-W", "ignore", "-c", PROBE, installed, cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)}
    )
    origin, names, notes, rendered, foreign = ast.literal_eval(out.splitlines()[-1])
    assert Path(origin).parent == installed / "clinical_ner"
    assert {"clinical_ner.stages.train", "clinical_ner.cli.tagging", "clinical_ner.pipeline_runs.local"} <= set(names)
    assert (notes, rendered, foreign) == (3, True, [])


def test_installed_command_runs_away_from_its_sources(installed, tmp_path):
    """The console script of the wheel answers --help."""
    script = installed / "bin" / "clinical-ner"
    out = run(sys.executable, script, "--help", cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)})
    assert "predict" in out
