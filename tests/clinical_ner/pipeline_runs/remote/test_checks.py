"""Refusals before anything is sent."""

import math
from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.pipeline_runs.remote.checks import check_arguments
from clinical_ner.pipeline_runs.remote.package import read_package

DATABASE = "postgresql+psycopg://tuner@database/studies"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"corpus_url": "s3://b/c"}, "has no parameter corpus_url; it has .*corpus_uri"),
        ({"n_trials": 1.5}, "n_trials must be a whole number, got float"),
        ({"n_trials": "5"}, "n_trials must be a whole number, got str"),
        ({"n_trials": True}, "n_trials must be a whole number, got bool"),
        ({"min_f1": math.nan}, "min_f1 must be a finite number"),
        ({"min_f1": False}, "min_f1 must be a finite number, got bool"),
        ({"show_note_text": 1}, "show_note_text must be true or false, got int"),
        ({"model_name": None}, "model_name must be text, got NoneType"),
        ({"label_map": "x" * 100_001}, "label_map has 100001 bytes, more than 100000: store it and pass a URI"),
        ({"label_map": "é" * 50_001}, "label_map has 100002 bytes"),
        ({"tuning_workers": 2}, "tuning_workers=2 .* study_storage is the memory of one step"),
        ({"tuning_workers": 2, "study_storage": "journal:///mnt/study.log"}, "study_storage is a journal file, which pods"),
        ({"tuning_workers": 2, "study_storage": "sqlite:////mnt/study.db"}, "study_storage is a sqlite file, which pods"),
        ({"study_storage": "postgresql://tuner:hunter22@database/s"}, "study_storage holds a password.*Secret"),
        ({"study_storage": f"{DATABASE}?password=hunter22"}, "study_storage holds a password"),
        ({"study_storage": '{"study_storage": "postgresql://tuner:hunter22@host/s"}'}, "study_storage holds a password"),
        ({"corpus_uri": "s3://key:hunter22@bucket/corpus"}, "corpus_uri holds a password"),
        ({"registry_uri": "file:///srv/registry"}, "registry_uri names a file of one machine"),
        ({"registry_uri": "registry"}, "registry_uri names a file of one machine"),
        ({"corpus_uri": "s3://bucket/a.txt, /home/me/b.txt"}, "corpus_uri names a file of one machine.*--allow-file-uris"),
        ({"test_corpus_uri": "FILE:///srv/test"}, "test_corpus_uri names a file"),
        ({"params_uri": "params.json"}, "params_uri names a file"),
        ({"rollout_target": "kserve:ner/notes", "rollout_plan": "plan.yaml"}, "rollout_plan names a file of one machine"),
        ({"rollout_wait_minutes": 600}, "of no use without a rollout_target"),
        ({"min_f1": 7.0}, "min_f1: .*less than or equal to 1"),
    ],
)
def test_arguments_that_cannot_work_are_refused(package_path: Path, arguments: dict[str, object], expected: str) -> None:
    """Each refusal names the parameter, the reason and the remedy, and never quotes a password."""
    with pytest.raises(ConfigError, match=expected) as refusal:
        check_arguments(read_package(package_path), arguments)
    assert "hunter22" not in str(refusal.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"min_f1": 1, "n_trials": 0, "show_note_text": True, "study_storage": "journal:///mnt/study.log"},
        {"tuning_workers": 4, "study_storage": DATABASE},
        {"corpus_uri": "dataset://0123abcd", "test_corpus_uri": "", "registry_uri": "s3://clinical-ner/registry"},
        {"label_map": "x" * 100_000},
        {"corpus_uri": "synthetic://?notes=200&seed=1"},
        {"rollout_target": "kserve:ner/notes", "rollout_plan": "s3://bucket/plan.yaml", "rollout_wait_minutes": 60},
        {"rollout_target": "kserve:ner/notes", "rollout_plan": '{"steps": [{"percent": 5}, {"percent": 100}]}'},
    ],
)
def test_arguments_that_can_work_are_accepted(package_path: Path, arguments: dict[str, object]) -> None:
    """Defaults and everything that pods can reach pass."""
    check_arguments(read_package(package_path), arguments)


def test_file_uris_are_accepted_where_the_platform_mounts_them(package_path: Path) -> None:
    """The check of disks is the only one that the flag switches off."""
    found = read_package(package_path)
    check_arguments(found, {"registry_uri": "file:///mnt/registry"}, allow_file_uris=True)
    with pytest.raises(ConfigError, match="tuning_workers=2"):
        check_arguments(found, {"tuning_workers": 2}, allow_file_uris=True)
