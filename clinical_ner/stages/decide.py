"""Judged windows and corrections in, what to do out."""

from collections.abc import Sequence

import structlog

from clinical_ner.datasets import load_dataset, parse_dataset_uri
from clinical_ner.documents import Document
from clinical_ner.drift.collected import load_windows
from clinical_ner.drift.decision import Decision, ReviewedF1, compare_reviewed
from clinical_ner.drift.decision import decide as judge
from clinical_ner.drift.judged import load_judged
from clinical_ner.evaluation.counts import SpanCounts, count_spans
from clinical_ner.evaluation.evaluation import annotate_all, spans_of
from clinical_ner.registry import Registry
from clinical_ner.reports.drift_summary import render_drift_summary
from clinical_ner.resubmit.cause import QUIET
from clinical_ner.resubmit.records import State
from clinical_ner.resubmit.store import RecordStore
from clinical_ner.resubmit.training_set import build_training_set
from clinical_ner.stages.artifacts import PathLike, read_bytes, write_text
from clinical_ner.stages.drift_report import load_reference
from clinical_ner.storage import Storage, open_storage
from clinical_ner.tagger import Tagger

YES, NO = "yes", "no"

_log = structlog.get_logger()


def decide(
    *,
    model_name: str,
    registry_uri: str,
    corrections_uri: str,
    reviewed_uri: str,
    windows_path: PathLike,
    drift_path: PathLike,
    decision_path: PathLike,
    drift_summary_path: PathLike,
) -> str:
    """Decide under the rules that the windows were judged under; write the decision and the drift summary.

    Returns ``yes`` when the decision asks for a training, or when what became of the last one has to be seen to; else ``no``.

    Raises:
        ConfigError: ``corrections_uri`` or ``reviewed_uri`` is no dataset URI.
        NotFound: there is no such dataset.
    """
    judged = load_judged(read_bytes(drift_path))
    previous, window = judged.windows
    storage = open_storage(registry_uri)
    corrected = count_corrected(storage, model_name, window.model_version, corrections_uri)
    reviewed = compare_versions(storage, model_name, window.model_version, reviewed_uri)
    decision = judge(window, previous, new_annotated=corrected, reviewed=reviewed, rules=judged.rules)
    newest = load_windows(read_bytes(windows_path))[-1].profile
    reference = load_reference(registry_uri, model_name, window.model_version)
    page = render_drift_summary(decision, newest, reference.profile if reference else None, scores=judged.scores)
    write_text(decision_path, decision.model_dump_json(indent=2))
    write_text(drift_summary_path, page)
    _log.info("decided", action=decision.action, deviation_percent=round(decision.deviation, 2), reasons=decision.reasons)
    return YES if asks_for_training(decision) or has_open_run(storage, model_name) else NO


def count_corrected(storage: Storage, model_name: str, version: str, corrections_uri: str) -> int:
    """Documents of the corrections that the version was not trained on in that form; 0 without corrections."""
    if not corrections_uri:
        return 0
    champion = Registry(storage).get(model_name, version)
    return build_training_set(storage, champion.manifest, [parse_dataset_uri(corrections_uri)]).changed


def compare_versions(storage: Storage, model_name: str, version: str, reviewed_uri: str) -> ReviewedF1 | None:
    """The version and the one that was live before it, both run on the reviewed notes.

    None without notes, without an earlier version, or when another version went live since the window was collected.
    """
    states = Registry(storage).states(model_name)
    before = states.previous
    if not reviewed_uri or before is None or states.live != version:
        return None
    notes = load_dataset(storage, parse_dataset_uri(reviewed_uri))
    labels = Registry(storage).get(model_name, version).manifest.labels
    counts = (_count(storage, model_name, each, notes, labels) for each in (version, before))
    return compare_reviewed(*counts)


def _count(storage: Storage, model_name: str, version: str, notes: Sequence[Document], labels: Sequence[str]) -> SpanCounts:
    tagger = Tagger.from_files(Registry(storage).files(model_name, version))
    return count_spans([note.entities for note in notes], spans_of(annotate_all(tagger, notes)), labels)


def asks_for_training(decision: Decision) -> bool:
    """Whether the decision is more than to watch."""
    return decision.action not in QUIET


def has_open_run(storage: Storage, model_name: str) -> bool:
    """Whether the last training was not seen to succeed yet: resubmission then looks what became of it."""
    last = RecordStore(storage, model_name).last_run()
    return last is not None and last.state is not State.SUCCEEDED
