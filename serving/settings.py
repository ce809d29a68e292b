"""What a model server can be told, on its command line or by environment variables."""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from clinical_ner.errors import ConfigError
from clinical_ner.settings import DEFAULT_MAX_NOTE_BYTES
from clinical_ner.storage import path_of

MEBIBYTE = 1024 * 1024


class Limits(BaseSettings):
    """The sizes beyond which a request is refused; read as part of :class:`ServingSettings`."""

    model_config = SettingsConfigDict(env_prefix="CLINICAL_NER_", frozen=True, extra="ignore")

    max_note_bytes: int = Field(DEFAULT_MAX_NOTE_BYTES, gt=0, description="Longest note, in UTF-8 bytes.")
    max_notes: int = Field(256, gt=0, description="Most notes in a request.")
    max_body_bytes: int = Field(4 * MEBIBYTE, gt=0, description="Largest request (HTTP body or gRPC message), in bytes.")


class ServingSettings(Limits):
    """Each is an option ``--name-of-it`` and an environment variable ``CLINICAL_NER_NAME_OF_IT``; the option wins."""

    model_config = SettingsConfigDict(
        env_prefix="CLINICAL_NER_",
        frozen=True,
        extra="ignore",
        cli_prog_name="python -m serving",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        protected_namespaces=(),
    )

    model_dir: Path = Field(
        Path("/mnt/models"), description="Folder of the model (manifest.json and its payload): a path or file:///PATH."
    )
    model_digest: str = Field(
        "",
        pattern=r"^(sha256:[0-9a-f]{64})?$",
        description="Digest that the model must have; verified before a byte is parsed. Empty: the manifest's own.",
    )
    host: str = Field("0.0.0.0", description="Address to listen at.")  # noqa: S104  # a pod is reached from outside
    http_port: int = Field(8080, ge=1, le=65535, description="Port of REST, health and /metrics.")
    grpc_port: int = Field(8081, ge=1, le=65535, description="Port of gRPC.")
    drain_seconds: float = Field(
        5.0,
        ge=0,
        description="From SIGTERM on, how long requests are still answered while readiness says no. Longer than the "
        "balancer needs to notice.",
    )
    grace_seconds: int = Field(30, ge=0, description="After draining, how long requests in flight may take to finish.")
    inline_bytes: int = Field(
        2048,
        ge=0,
        description="Requests with at most so much text are tagged at once when the tagging thread is idle, since handing "
        "them over takes longer than tagging them. 0: always hand over.",
    )
    inference_log_uri: str = Field(
        "", description="Store of the inference log: a path, file:///PATH or s3://BUCKET/PREFIX. Empty: nothing is logged."
    )
    inference_log_spool: Path = Field(
        Path("/var/spool/clinical-ner"), description="Folder where records wait until they are sent; it outlives the container."
    )
    inference_log_spool_bytes: int = Field(
        1024 * MEBIBYTE, gt=0, description="Beyond so many waiting bytes the oldest records are dropped, and counted."
    )
    inference_log_segment_bytes: int = Field(4 * MEBIBYTE, gt=0, description="Records are sent in files of so many bytes ...")
    inference_log_flush_seconds: float = Field(60.0, gt=0, description="... or after so long.")
    inference_log_required: bool = Field(
        default=False, description="Answer 503 rather than without a record when the spool's disk refuses it."
    )
    inference_log_key: SecretStr = Field(
        SecretStr(""),
        description="Key of the hashes of texts and of unknown words, and of draws for review, at least 16 bytes. An option is "
        "visible to all on the machine: use the environment variable or the file. Without a key nothing is hashed.",
    )
    inference_log_key_file: Path | None = Field(None, description="File with that key.")
    review_samples_uri: str = Field(
        "", description="Store of the notes drawn for review, as for the log. Empty: the inference log's, under another prefix."
    )
    review_uniform_probability: float = Field(
        0.0, ge=0, le=1, description="Share of all notes that are drawn for review, de-identified and stored."
    )
    review_low_confidence_probability: float = Field(
        0.0, ge=0, le=1, description="Share of the other notes of low confidence that are. With both 0 none is drawn."
    )
    review_low_confidence_threshold: float = Field(
        0.5, ge=0, le=1, description="A note is of low confidence when its least certain entity scores below."
    )
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least level that is logged.")

    @field_validator("model_dir", mode="before")
    @classmethod
    def _on_this_machine(cls, folder: object) -> Path:
        try:
            return path_of(str(folder))
        except ConfigError as error:
            raise ValueError(str(error)) from error
