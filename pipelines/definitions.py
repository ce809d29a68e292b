"""The pipelines that there are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import monitoring, training

FOLDER = Path(__file__).parent / "compiled"


@dataclass(frozen=True, slots=True)
class Definition:
    """A pipeline: its name in KFP, its title for people, and the function that lays out its tasks."""

    name: str
    title: str
    function: Callable[..., Any]

    @property
    def file_name(self) -> str:
        """Of the compiled file."""
        return f"{self.name}.yaml"

    @property
    def compiled(self) -> Path:
        """The compiled file in the repository."""
        return FOLDER / self.file_name


TRAINING = Definition(training.NAME, "Clinical NER: training", training.training)
MONITORING = Definition(monitoring.NAME, "Clinical NER: monitoring", monitoring.monitoring)
DEFINITIONS = (TRAINING, MONITORING)
