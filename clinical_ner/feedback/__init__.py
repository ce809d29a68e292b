"""Annotation tasks out, corrections in: ``tasks`` makes the one of review samples, ``joining`` recognizes the other by
record ids, ``corrections`` keeps them as datasets.
"""

from clinical_ner.feedback.corrections import AddedCorrections, add_corrections, current_corrections, load_corrections
from clinical_ner.feedback.joining import JoinedFeedback, join_corrections, predictions_of
from clinical_ner.feedback.tasks import dump_tasks, label_config

__all__ = [
    "AddedCorrections",
    "JoinedFeedback",
    "add_corrections",
    "current_corrections",
    "dump_tasks",
    "join_corrections",
    "label_config",
    "load_corrections",
    "predictions_of",
]
