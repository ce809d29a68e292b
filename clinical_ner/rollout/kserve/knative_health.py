"""How a revision's pods are. Pure.

Knative calls a revision ready once and for all: a canary that crashes afterwards keeps its share, and neither its revision nor
the InferenceService shows it. Only its pods do.
"""

from clinical_ner.rollout.kserve.knative_reading import Revision
from clinical_ner.rollout.kserve.pods import is_living, processes_of, source_of


def can_serve(revision: Revision, share: int) -> bool:
    """Whether it can carry ``share`` percent: it was ready, and its pods are.

    One without pods can when Knative holds calls until there is one, or when there are none to carry.
    """
    processes = processes_of(revision.pods)
    if not revision.passed or _foreign(revision):
        return False
    return processes.fit if processes.count else revision.idle or share == 0


def answers(revision: Revision) -> bool:
    """Whether calls can be sent to it, if to fewer pods than it had."""
    return revision.passed and not _foreign(revision) and has_ready_pod(revision)


def has_ready_pod(revision: Revision) -> bool:
    return processes_of(revision.pods).ready > 0


def why_unfit(revision: Revision) -> str:
    """In words, from its pods, or else as Knative says; empty when neither says anything."""
    return _foreign(revision) or processes_of(revision.pods).reason or revision.message


def _foreign(revision: Revision) -> str:
    """That the storage initializer of a pod really fetched another model; empty when none did."""
    used = {source_of(each) for each in revision.pods if is_living(each)} - {"", revision.model.uri}
    return f"it has loaded {min(used)} instead of {revision.model.uri}" if used else ""
