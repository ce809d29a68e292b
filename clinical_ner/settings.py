"""Settings that come from the environment; the only module of the library that reads it."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_MAX_NOTE_BYTES = 1024 * 1024


class Settings(BaseSettings):
    """Frozen settings, each read from ``CLINICAL_NER_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="CLINICAL_NER_", frozen=True, extra="ignore")

    registry_uri: str = Path("registry").absolute().as_uri()
    """Where datasets and model versions live when no ``--registry-uri`` is given."""

    max_note_bytes: int = DEFAULT_MAX_NOTE_BYTES
    """Longest note in UTF-8 bytes, at ingest and in a request."""

    kfp_host: str = ""
    """Kubeflow Pipelines API endpoint that runs are submitted to."""

    kfp_token: SecretStr = SecretStr("")
    """Bearer token for it; in a cluster the pod's own projected token is used instead."""
