"""Judged windows and corrections in, what to do out."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

import structlog

from clinical_ner.batch_metrics import publish
from clinical_ner.batch_metrics.monitoring import NOT_ASKED, decision_series, outcome_series
from clinical_ner.clock import utc_now
from clinical_ner.datasets import load_dataset
from clinical_ner.documents import Document
from clinical_ner.drift.collected import load_windows
from clinical_ner.drift.decision import Decision, ReviewedF1, compare_reviewed
from clinical_ner.drift.decision import decide as judge
from clinical_ner.drift.judged import JudgedWindows, load_judged
from clinical_ner.errors import NotFound
from clinical_ner.evaluation.counts import SpanCounts, count_spans
from clinical_ner.evaluation.evaluation import annotate_all, spans_of
from clinical_ner.feedback import choose_corrections, load_reviewed
from clinical_ner.model_package import Manifest
from clinical_ner.registry import Registry
from clinical_ner.reports.drift_summary import render_drift_summary
from clinical_ner.resubmit.cause import QUIET
from clinical_ner.resubmit.going_back import GoingBack
from clinical_ner.resubmit.records import State
from clinical_ner.resubmit.reviewed_notes import of_champion
from clinical_ner.resubmit.store import RecordStore
from clinical_ner.resubmit.training_set import build_training_set
from clinical_ner.splitting import text_key
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
    roll_back_on: str,
    rollout_target: str,
    metrics_to: str,
    windows_path: PathLike,
    drift_path: PathLike,
    decision_path: PathLike,
    drift_summary_path: PathLike,
) -> str:
    """Decide under the rules that the windows were judged under; write the decision and the drift summary.

    The decision names the corrections it counted: they may be others a moment later. Returns ``yes`` when it asks for a
    training, or when what became of the last one has to be seen to; else ``no``. How the way back is ordered is only checked
    here: the stage that orders it may not run for months.

    Raises:
        ConfigError: ``corrections_uri``, ``reviewed_uri``, ``roll_back_on``, ``rollout_target`` or ``metrics_to`` is not what
            is expected.
        NotFound: there is no such dataset.
        StorageError: a dataset's digest no longer matches.
    """
    GoingBack.checked(roll_back_on, rollout_target)
    judged = load_judged(read_bytes(drift_path))
    storage = open_storage(registry_uri)
    decision = _decide(storage, model_name, judged, corrections_uri, reviewed_uri)
    newest = load_windows(read_bytes(windows_path))[-1].profile
    reference = load_reference(registry_uri, model_name, decision.window.model_version)
    page = render_drift_summary(decision, newest, reference.profile if reference else None, scores=judged.scores)
    write_text(decision_path, decision.model_dump_json(indent=2))
    write_text(drift_summary_path, page)
    _log.info("decided", action=decision.action, deviation_percent=round(decision.deviation, 2), reasons=decision.reasons)
    word = YES if asks_for_training(decision) or has_open_run(storage, model_name) else NO
    _publish(decision, word, storage, metrics_to)
    return word


def _decide(storage: Storage, model_name: str, judged: JudgedWindows, corrections_uri: str, reviewed_uri: str) -> Decision:
    previous, window = judged.windows
    current = choose_corrections(storage, model_name, "")
    corrections = choose_corrections(storage, model_name, corrections_uri) if corrections_uri else current
    reviewed = load_reviewed(storage, reviewed_uri, current)
    return judge(
        window,
        previous,
        new_annotated=count_corrected(storage, model_name, window.model_version, corrections),
        corrections=corrections,
        reviewed=compare_versions(storage, model_name, window.model_version, reviewed),
        novelty=judged.novelty,
        rules=judged.rules,
    )


def count_corrected(storage: Storage, model_name: str, version: str, corrections: str) -> int:
    """Documents of the corrections with that digest that the version was not trained on in that form; 0 without any."""
    if not corrections:
        return 0
    champion = Registry(storage).get(model_name, version)
    return build_training_set(storage, champion.manifest, [corrections]).changed


def compare_versions(storage: Storage, model_name: str, version: str, notes: Sequence[Document]) -> ReviewedF1 | None:
    """The version and the one that was live before it, both run on reviewed notes that neither was trained on.

    Of these only what the version itself answered counts, and what does not say who answered it. None without notes, without
    an earlier version, or when another version went live since the window was collected.
    """
    registry = Registry(storage)
    states = registry.states(model_name)
    before = states.previous
    if not notes or before is None or states.live != version:
        return None
    trained = _texts_of(storage, [registry.get(model_name, each).manifest for each in (version, before)])
    unseen = [note for note in notes if text_key(note.text) not in trained]
    live = registry.get(model_name, version).manifest
    answered = of_champion(unseen, live)
    counts = (_count(storage, model_name, each, answered, live.labels) for each in (version, before))
    return compare_reviewed(*counts)


def _texts_of(storage: Storage, manifests: Iterable[Manifest]) -> set[str]:
    """The texts that models were trained on. A dataset that is gone is passed over: nothing can be compared with it."""
    texts = set[str]()
    for manifest in manifests:
        with suppress(NotFound):
            texts |= {text_key(document.text) for document in load_dataset(storage, manifest.datasets["train"])}
    return texts


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


def _publish(decision: Decision, word: str, storage: Storage, metrics_to: str) -> None:
    """The decision's series; without a resubmission also those of that stage, which would stay as the last one left them."""
    now, window = utc_now(), decision.window
    publish(decision_series(decision, now=now), metrics_to)
    if word == NO:
        last = RecordStore(storage, window.model_name).last_run()
        publish(outcome_series(window.model_name, window.model_version, NOT_ASKED, last, now=now), metrics_to)
