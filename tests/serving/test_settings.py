"""The server's options as people type them."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import CliApp

from serving.settings import ServingSettings


def options(*words: str) -> ServingSettings:
    return CliApp.run(ServingSettings, cli_args=list(words))


def test_yes_or_no_needs_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that is either way is there or is not; its variable says true or false, and the option wins."""
    assert options("--inference-log-required").inference_log_required
    assert not options().inference_log_required
    monkeypatch.setenv("CLINICAL_NER_INFERENCE_LOG_REQUIRED", "true")
    assert options().inference_log_required
    assert not options("--no-inference-log-required").inference_log_required


def test_model_is_found_by_the_uri_that_training_prints(tmp_path: Path) -> None:
    """A path and a file URI name the same folder, also with letters that URIs escape."""
    folder = tmp_path / "ä b"
    assert options("--model-dir", str(folder)).model_dir == options("--model-dir", folder.as_uri()).model_dir == folder


def test_model_elsewhere_is_refused() -> None:
    """The server loads from this machine only, and says so at once."""
    with pytest.raises(ValidationError, match="names nothing on this machine"):
        options("--model-dir", "s3://bucket/models/clinical-ner/v1")
