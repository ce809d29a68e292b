"""The pipelines that there are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import monitoring, training

FOLDER = Path(__file__).parent / "compiled"


@dataclass(frozen=True, slots=True)
class Definition:
    """A pipeline: its word on the command line, its name in KFP, its title for people, and what lays out its tasks."""

    word: str
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


TRAINING = Definition("training", training.NAME, "Clinical NER: training", training.training)
MONITORING = Definition("monitoring", monitoring.NAME, "Clinical NER: monitoring", monitoring.monitoring)
DEFINITIONS = (TRAINING, MONITORING)
