"""Annotation tasks of the samples that nobody corrected yet, left in the samples' store for whoever annotates::

    annotation-tasks/model=<name>/tasks.json    Label Studio's tasks: de-identified note text, guarded as the samples are
                                  labels.xml    the labelling interface

Always at the same place, and made of what lies in the store: making them again changes nothing, or brings them up to date.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from clinical_ner.feedback.corrections import load_corrections
from clinical_ner.feedback.tasks import dump_tasks, label_config
from clinical_ner.model_versions import check_name
from clinical_ner.review.sample import ReviewSample
from clinical_ner.review.store import read_samples
from clinical_ner.storage import Storage

PREFIX = "annotation-tasks/"


@dataclass(frozen=True, slots=True)
class ExportedTasks:
    """``uri`` is where ``tasks`` lie, empty without any; ``samples`` is how many there were, ``rejected`` are not readable."""

    uri: str
    tasks: int
    samples: int
    rejected: int

    def __str__(self) -> str:
        damaged = f" ({self.rejected:,} are damaged)" if self.rejected else ""
        if self.tasks:
            return f"{self.tasks:,} annotation tasks{damaged} are in {self.uri}"
        if self.samples:
            return f"all {self.samples:,} review samples are corrected already{damaged}: wait for new ones, or draw more"
        return f"there are no review samples to annotate{damaged}: let the server draw some"


def export_tasks(samples: Storage, registry: Storage, model: str, labels: Collection[str]) -> ExportedTasks:
    """Write the tasks of a model's uncorrected samples, and the interface with the model's labels, over those of before.

    Args:
        samples: Store of the review samples, and of the tasks.
        registry: Store of the corrections.
        model: Its name.
        labels: What annotators may choose from, besides those that samples have.

    Raises:
        StorageError: a store failed.
    """
    reading = read_samples(samples, model)
    waiting = uncorrected(reading.samples, registry, model)
    folder = f"{PREFIX}model={check_name(model)}/"
    if waiting:
        found = {entity.label for sample in reading.samples for entity in sample.entities}
        samples.write(f"{folder}labels.xml", label_config(found.union(labels)).encode())
        samples.write(f"{folder}tasks.json", dump_tasks(waiting))
    else:
        withdraw_tasks(samples, model)
    uri = samples.uri(f"{folder}tasks.json") if waiting else ""
    return ExportedTasks(uri, len(waiting), len(reading.samples), len(reading.rejected))


def uncorrected(samples: Iterable[ReviewSample], registry: Storage, model: str) -> list[ReviewSample]:
    """The samples whose notes are not among the model's corrections."""
    done = {document.id for document in load_corrections(registry, model)}
    return [sample for sample in samples if sample.record_id not in done]


def withdraw_tasks(samples: Storage, model: str = "") -> None:
    """Delete exported tasks, of one model or of all: they hold the text of samples that may have been deleted since."""
    for key in samples.list(f"{PREFIX}model={check_name(model)}/" if model else PREFIX):
        samples.delete(key)
