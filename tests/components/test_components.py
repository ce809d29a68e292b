"""The components: thin wrappers whose interface is their stage's."""

import ast
import inspect
from importlib import import_module
from pathlib import Path

import kfp.local
import pytest

from clinical_ner.datasets import list_datasets
from clinical_ner.drift.rules import DriftRules
from clinical_ner.gate import GateThresholds
from clinical_ner.registry import Registry
from clinical_ner.resubmit import ResubmitRules
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.splitting import SplitRule
from clinical_ner.stages.tune import Search
from clinical_ner.storage import open_storage
from components.ingest.component import ingest
from components.rollout.component import rollout
from tests.clinical_ner.conftest import tiny_model  # noqa: F401  # a fixture

ROOT = Path(__file__).parents[2] / "components"
FOLDERS = sorted(path.parent.name for path in ROOT.glob("*/component.py"))
MAX_STATEMENT_LINES = 25
# What a component builds from several of its parameters before it calls the stage.
BUILT = {
    "split": set(SplitRule.model_fields),
    "rule": set(SplitRule.model_fields),
    "thresholds": set(GateThresholds.model_fields),
    "search": set(Search._fields),
    "rules": set(DriftRules.model_fields),
    "limits": set(ResubmitRules.model_fields) - {"parameters"},
}


def functions(folder):
    tree = ast.parse((ROOT / folder / "component.py").read_text())
    return [node for node in tree.body if isinstance(node, ast.FunctionDef)]


COMPONENTS = [(folder, function.name) for folder in FOLDERS for function in functions(folder)]


def source_of(folder, name):
    return next(function for function in functions(folder) if function.name == name)


def parameters_of(folder, name):
    """The component's parameters, and those of them that are artifacts."""
    component = getattr(import_module(f"components.{folder}.component"), name)
    spec = component.component_spec
    both = {**(spec.inputs or {}), **(spec.outputs or {})}
    artifacts = {field for field, kind in both.items() if kind.type.startswith("system.")}
    return set(inspect.signature(component.python_func).parameters), artifacts


def stage_of(name):
    return getattr(import_module(f"clinical_ner.stages.{'tune' if name == 'tune_worker' else name}"), name)


def test_every_stage_has_its_folder():
    """One folder a stage, and nothing else but what they share."""
    training = ["evaluate", "ingest", "preprocess", "quality_gate", "register", "rollout", "train", "tune"]
    monitoring = ["collect_window", "decide", "drift_report", "resubmit"]
    assert sorted([*training, *monitoring]) == FOLDERS
    others = {path.name for path in ROOT.iterdir() if path.name not in {*FOLDERS, "__pycache__"}}
    assert others <= {"README.md", "__init__.py", "_image.py"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_component_folder_has_a_readme(folder):
    """Each folder explains its component and names each of its functions."""
    readme = (ROOT / folder / "README.md").read_text()
    assert len(readme.splitlines()) > 5
    assert all(function.name in readme or function.name.replace("_", "-") in readme for function in functions(folder))


@pytest.mark.parametrize(("folder", "name"), COMPONENTS)
def test_component_body_is_thin(folder, name):
    """A body imports, calls and logs metrics: no decision and no try, in few lines, none of them outside the function."""
    body = [node for node in source_of(folder, name).body if not isinstance(node, ast.Expr) or not _is_docstring(node)]
    lines = sum(node.end_lineno - node.lineno + 1 for node in body)
    assert lines <= MAX_STATEMENT_LINES
    kinds = {type(node) for statement in body for node in ast.walk(statement)}
    assert not kinds & {ast.If, ast.IfExp, ast.Try, ast.While, ast.Lambda, ast.FunctionDef}


def _is_docstring(node):
    return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@pytest.mark.parametrize("folder", FOLDERS)
def test_component_module_imports_nothing_of_the_library(folder):
    """KFP copies the body alone: what it needs is imported inside, and the module itself needs kfp.dsl and the image only."""
    tree = ast.parse((ROOT / folder / "component.py").read_text())
    outside = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert outside <= {"kfp", "components._image", "typing"}
    assert not [node for node in tree.body if isinstance(node, ast.Import)]
    inside = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} - outside
    assert inside
    assert all(module.startswith("clinical_ner.") for module in inside)


@pytest.mark.parametrize(("folder", "name"), COMPONENTS)
def test_component_parameters_are_the_stages(folder, name):
    """Names agree: a parameter of the component is one of the stage's, or a field of what the stage takes as a whole."""
    parameters, artifacts = parameters_of(folder, name)
    wanted = set(inspect.signature(stage_of(name)).parameters)
    paths = {field for field in wanted if field.endswith("_path")}
    plain = set().union(*(BUILT.get(field, {field}) for field in wanted - paths))
    assert parameters - artifacts == plain
    assert len(paths) <= len(artifacts)


@pytest.mark.parametrize(("folder", "name"), COMPONENTS)
def test_component_documents_every_parameter(folder, name):
    """The docstring is what the UI shows of a step."""
    component = getattr(import_module(f"components.{folder}.component"), name)
    text = inspect.getdoc(component.python_func)
    assert all(f"\n    {parameter}: " in text for parameter in inspect.signature(component.python_func).parameters)


@pytest.fixture
def local_run(tmp_path, monkeypatch):
    """Run one component by KFP's local runner; returns its task."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def run(component, **arguments):
        kfp.local.init(runner=kfp.local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path / "root"))
        return component(**arguments)

    return run


INGEST = {
    "corpus_format": "synthetic",
    "test_corpus_uri": "",
    "label_map": "",
    "gazetteer_uris": "",
    "on_bad_record": "fail",
    "max_note_bytes": 100_000,
    "seed": 0,
    "dev_fraction": 0.2,
    "test_fraction": 0.2,
    "model_name": "clinical-ner",
}


@pytest.mark.filterwarnings("default")
def test_component_runs_alone(local_run, tmp_path):
    """Ingest in a process of its own returns the digest of the dataset that it stored, and leaves its report."""
    registry = tmp_path / "registry"
    task = local_run(ingest, corpus_uri="synthetic://?notes=40&seed=2", registry_uri=str(registry), **INGEST)
    (dataset,) = list_datasets(open_storage(str(registry)))
    assert task.outputs["dataset_digest"] == dataset.digest
    assert (task.outputs["test_dataset_digest"], task.outputs["champion"]) == ("", "")
    assert "<html" in Path(task.outputs["data_quality"].path).read_text().lower()


@pytest.mark.filterwarnings("default")
def test_rollout_runs_alone(local_run, tmp_path, tiny_model):  # noqa: F811
    """The last stage in a process of its own writes the rollout down and leaves."""
    storage = open_storage(str(tmp_path / "registry"))
    version = Registry(storage).register("clinical-ner", tiny_model, actor="a", reason="r")
    parameters = {
        "rollout_target": "local:service",
        "rollout_plan": "",
        "rollout_wait_minutes": 0,
        "model_name": "clinical-ner",
    }
    task = local_run(rollout, version_uri=version.uri, registry_uri=str(tmp_path / "registry"), **parameters)
    (stored,) = StoredRollouts(storage, "clinical-ner").all()
    assert (task.outputs["rollout_name"], task.outputs["outcome"]) == (stored.spec.name, "pending") == ("v1", "pending")
    assert "Rollout v1" in Path(task.outputs["rollout_report"].path).read_text()
