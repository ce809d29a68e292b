"""What ``--target`` names: the service whose traffic a rollout divides."""

from dataclasses import dataclass
from pathlib import Path

from clinical_ner.errors import ConfigError
from clinical_ner.rollout.counting.sources import MetricsSource
from clinical_ner.rollout.targets import Target

LOCAL = "local:"


@dataclass(frozen=True, slots=True)
class OpenedTarget:
    """The service, and what its versions have counted."""

    target: Target
    source: MetricsSource


def open_target(address: str) -> OpenedTarget:
    """The service at ``local:FOLDER``; raises ConfigError for any other address."""
    # Each kind has libraries of its own, which a command that needs no target must not load.
    from clinical_ner.rollout.local import LocalTarget
    from clinical_ner.rollout.local.source import local_metrics

    folder = local_folder(address)
    return OpenedTarget(LocalTarget(folder), local_metrics(folder))


def local_folder(address: str) -> Path:
    """The folder in ``local:FOLDER``; raises ConfigError for any other address."""
    folder = address.removeprefix(LOCAL)
    if folder in {address, ""}:
        raise ConfigError(f"--target {address}: expected {LOCAL}FOLDER, the folder of a local service")
    return Path(folder)
