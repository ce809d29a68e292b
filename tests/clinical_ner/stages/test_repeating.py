"""What holds of every stage: a step may run twice, and may fail."""

import pytest

from clinical_ner.datasets import list_datasets
from clinical_ner.errors import ClinicalNerError, ModelFormatError, StorageError
from clinical_ner.storage import open_storage
from tests.clinical_ner.stages.stage_runs import largest_file

OUTPUTS = {
    "ingest": ("data_quality", "quarantine"),
    "preprocess": ("train", "dev", "test", "gazetteer"),
    "train": ("model",),
    "evaluate": ("evaluation", "reference", "error_browser"),
    "quality_gate": ("gate", "gate_report", "model_card"),
}


@pytest.mark.parametrize("stage", OUTPUTS)
def test_stage_run_again_writes_the_same_bytes(stages, finished, tmp_path, stage):
    """Every artifact of a repeated stage is the first one, byte for byte, and nothing lies beside them."""
    stages[stage]()
    written = tmp_path / "artifacts"
    assert sorted(path.name for path in written.iterdir()) == sorted(OUTPUTS[stage])
    for name in OUTPUTS[stage]:
        assert (written / name).read_bytes() == (finished.folder / name).read_bytes(), name


@pytest.mark.parametrize("stage", OUTPUTS)
def test_stage_on_a_full_disk_leaves_no_artifact(stages, tmp_path, stage):
    """When not even the first artifact can be written none has its name, and no unfinished file is left."""
    with largest_file(1), pytest.raises((StorageError, ModelFormatError, OSError)):
        stages[stage]()
    assert [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()] == []
    assert list_datasets(open_storage(str(tmp_path / "registry"))) == []


@pytest.mark.parametrize("stage", ["train", "evaluate", "quality_gate"])
def test_stage_given_nothing_names_what_is_missing(stages, tmp_path, stage):
    """Without its inputs a stage ends in an error of ours that names the file, and writes nothing."""
    with pytest.raises(ClinicalNerError, match=r"nowhere/.*: missing artifact"):
        stages[stage].func(stages[stage].args[0], tmp_path / "nowhere")
    assert not (tmp_path / "artifacts").exists()


def test_compressed_artifacts_of_a_run_hold_no_readable_notes(finished):
    """Datasets that the KFP UI previews show no word of a note; the model's lexicon, which is PHI, is no Dataset."""
    for name in ("train", "dev", "test"):
        data = (finished.folder / name).read_bytes()
        assert data.startswith(b"\x1f\x8b"), name
        assert b"patient" not in data.lower(), name
        assert b"document_id" not in data, name
