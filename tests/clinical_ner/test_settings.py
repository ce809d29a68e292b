import ast
from pathlib import Path

import pytest
from pydantic import ValidationError

import clinical_ner
from clinical_ner.settings import DEFAULT_MAX_NOTE_BYTES, Settings

MODULES = sorted(Path(clinical_ner.__file__).parent.rglob("*.py"))


def test_settings_come_from_the_environment(monkeypatch):
    """Each is read from its variable when it is made, and has a default."""
    monkeypatch.delenv("CLINICAL_NER_MAX_NOTE_BYTES", raising=False)
    monkeypatch.delenv("CLINICAL_NER_REGISTRY_URI", raising=False)
    assert Settings().max_note_bytes == DEFAULT_MAX_NOTE_BYTES == 2**20
    assert Settings().registry_uri.startswith("file:///")
    monkeypatch.setenv("CLINICAL_NER_MAX_NOTE_BYTES", "77")
    monkeypatch.setenv("CLINICAL_NER_REGISTRY_URI", "file:///models")
    assert (Settings().max_note_bytes, Settings().registry_uri) == (77, "file:///models")


def test_settings_are_frozen():
    """No one changes a setting for all others."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().max_note_bytes = 1


def names_used(module):
    """Every dotted name and import of a module's code."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield ast.unparse(node)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_module_unpickles_nothing(module):
    """No module of the library reads or writes pickles, in whose guise a model could run code."""
    forbidden = ("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "torch")
    names = list(names_used(module))
    assert not [name for name in names if name.split(".")[0] in forbidden or name.endswith("read_pickle")]
    assert not [name for name in names if name in {"numpy.load", "np.load"}]


# KFP's local runner finds its folder for temporary files in TMPDIR alone: it is set for the run, and put back. Evidently
# asks DO_NOT_TRACK, when it is imported, whether it may report usage. A local resubmission hands its environment on.
SETTERS = ("pipeline_runs/local.py", "drift/report.py", "resubmit/local_backend.py")
OTHERS = [path for path in MODULES if not any(path.match(setter) for setter in SETTERS)]


@pytest.mark.parametrize("module", OTHERS, ids=lambda path: path.stem)
def test_only_settings_read_the_environment(module):
    """What a stage does follows from its parameters alone."""
    reads = {"os.environ", "os.getenv", "os.environb", "environ", "getenv"}
    found = [name for name in names_used(module) if name in reads]
    assert not found
