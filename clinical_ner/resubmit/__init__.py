"""One training run for a cause, however often and by how many monitors it is asked for.

A decision (``clinical_ner.drift.decision``) becomes a training set and parameters; policy says whether they are submitted now,
proposed to a person, or refused in words. What was decided lies in storage beside the registry::

    resubmit/<model>/<cause>.json     a Record; created once, moved by compare-and-swap
    resubmit/<model>/last-run.json    which record was submitted last, when, and what became of it
    resubmit/<model>/lock.json        who may move them now, until when
"""

from clinical_ner.resubmit.backends import Backend, RunReference, RunState
from clinical_ner.resubmit.cause import Cause
from clinical_ner.resubmit.outcome import Outcome
from clinical_ner.resubmit.plan import Request
from clinical_ner.resubmit.policy import ResubmitRules
from clinical_ner.resubmit.resubmission import Resubmitter

__all__ = ["Backend", "Cause", "Outcome", "Request", "ResubmitRules", "Resubmitter", "RunReference", "RunState"]
