"""The quality gate: may this model replace the one that serves?

One word comes out, ``approve`` or ``reject``, with a check a line that says why. Without a champion only the floors are
asked; with one, the challenger must not be worse than it by more than a margin on the same notes (non-inferiority by paired
bootstrap), and better than it on reviewed notes where some are given. Too little evidence is a rejection.
"""

from clinical_ner.gate.candidates import (
    Candidate,
    Performance,
    ReviewedNotes,
    assess,
    count_contaminated,
    labels_of,
    model_bytes,
    perform,
)
from clinical_ner.gate.judgement import judge
from clinical_ner.gate.report import GateCheck, GateReport, Verdict
from clinical_ner.gate.thresholds import GateThresholds

__all__ = [
    "Candidate",
    "GateCheck",
    "GateReport",
    "GateThresholds",
    "Performance",
    "ReviewedNotes",
    "Verdict",
    "assess",
    "count_contaminated",
    "judge",
    "labels_of",
    "model_bytes",
    "perform",
]
