"""Annotation tasks out, corrections in: ``tasks`` makes the one of review samples, ``joining`` recognizes the other by
record ids, ``corrections`` keeps them as datasets, ``choosing`` says which of them a run goes by, ``exporting`` leaves tasks
where annotators find them.
"""

from clinical_ner.feedback.choosing import choose_corrections, load_reviewed, uniform
from clinical_ner.feedback.corrections import AddedCorrections, add_corrections, current_corrections, load_corrections
from clinical_ner.feedback.exporting import ExportedTasks, export_tasks, uncorrected, withdraw_tasks
from clinical_ner.feedback.joining import JoinedFeedback, join_corrections, predictions_of
from clinical_ner.feedback.tasks import dump_tasks, label_config

__all__ = [
    "AddedCorrections",
    "ExportedTasks",
    "JoinedFeedback",
    "add_corrections",
    "choose_corrections",
    "current_corrections",
    "dump_tasks",
    "export_tasks",
    "join_corrections",
    "label_config",
    "load_corrections",
    "load_reviewed",
    "predictions_of",
    "uncorrected",
    "uniform",
    "withdraw_tasks",
]
