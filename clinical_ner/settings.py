"""Settings that come from the environment; the only module of the library that reads it."""

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_MAX_NOTE_BYTES = 1024 * 1024


class Settings(BaseSettings):
    """Frozen settings, each read from ``CLINICAL_NER_<NAME>``, those of S3 also from the variables that its tools share."""

    model_config = SettingsConfigDict(env_prefix="CLINICAL_NER_", frozen=True, extra="ignore", populate_by_name=True)

    registry_uri: str = Path("registry").absolute().as_uri()
    """Where datasets and model versions live when no ``--registry-uri`` is given."""

    inference_log_uri: str = ""
    """Where the server's inference log lies: a path, ``file://`` or ``s3://bucket/prefix``."""

    inference_log_key: SecretStr = SecretStr("")
    """Key of the log's hashes, the servers' own; only what resolves hashes to words needs it."""

    inference_log_key_file: Path | None = None
    """File with that key."""

    max_note_bytes: int = DEFAULT_MAX_NOTE_BYTES
    """Longest note in UTF-8 bytes, at ingest and in a request."""

    kfp_host: str = ""
    """Kubeflow Pipelines API endpoint that runs are submitted to."""

    kfp_token: SecretStr = SecretStr("")
    """Bearer token for it; in a cluster the pod's own projected token is used instead."""

    kubeconfig: str = Field("", validation_alias="KUBECONFIG")
    """Which cluster is asked, and as whom; in a pod its own account when empty, elsewhere ``~/.kube/config``."""

    gateway_calls_query: str = ""
    """PromQL for the calls of model version ``$version`` that the gateway has counted so far; a rollout controller's."""

    gateway_failed_query: str = ""
    """The same for those of them that failed, refused connections included."""

    s3_endpoint: str = Field("", validation_alias=AliasChoices("CLINICAL_NER_S3_ENDPOINT", "AWS_ENDPOINT_URL"))
    """The S3 server's address, ``https://host`` or ``http://host:port``; plain HTTP sends notes unencrypted."""

    s3_region: str = Field("us-east-1", validation_alias=AliasChoices("CLINICAL_NER_S3_REGION", "AWS_REGION"))
    """The region that requests to it are signed for."""

    s3_ca_file: str = Field("", validation_alias=AliasChoices("CLINICAL_NER_S3_CA_FILE", "AWS_CA_BUNDLE"))
    """PEM file of the certificate authorities to trust with it; those of the ``certifi`` package when empty."""

    s3_access_key: SecretStr = Field(SecretStr(""), validation_alias="AWS_ACCESS_KEY_ID")
    s3_secret_key: SecretStr = Field(SecretStr(""), validation_alias="AWS_SECRET_ACCESS_KEY")
    s3_session_token: SecretStr = Field(SecretStr(""), validation_alias="AWS_SESSION_TOKEN")
