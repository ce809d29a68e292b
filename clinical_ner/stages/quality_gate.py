"""Model, test documents and the champion's version in, one word out."""

from collections.abc import Sequence
from typing import NamedTuple

import structlog
from pydantic import ValidationError

from clinical_ner.datasets import load_dataset, parse_dataset_uri
from clinical_ner.documents import Document
from clinical_ner.errors import DataError
from clinical_ner.evaluation.evaluation import Evaluation
from clinical_ner.gate import (
    GateReport,
    GateThresholds,
    ReviewedNotes,
    Verdict,
    assess,
    count_contaminated,
    judge,
    labels_of,
    model_bytes,
    perform,
)
from clinical_ner.model_package import ModelFiles
from clinical_ner.registry import Registry
from clinical_ner.reports.gate_report import render_gate_report
from clinical_ner.reports.model_card import render_model_card
from clinical_ner.splitting import SplitRule, split_documents
from clinical_ner.stages.artifacts import PathLike, read_bytes, read_documents, read_model, write_text
from clinical_ner.storage import Storage, open_storage
from clinical_ner.tagger import Tagger

_log = structlog.get_logger()


class _Model(NamedTuple):
    """A model that takes part, with its size in bytes."""

    tagger: Tagger
    size: int


def quality_gate(
    *,
    model_path: PathLike,
    test_path: PathLike,
    evaluation_path: PathLike,
    champion: str,
    reviewed_corpus_uri: str,
    model_name: str,
    registry_uri: str,
    thresholds: GateThresholds,
    gate_path: PathLike,
    gate_report_path: PathLike,
    model_card_path: PathLike,
) -> Verdict:
    """Judge the model, against the champion's version where there is one (``""``: none).

    With ``reviewed_corpus_uri`` (``dataset://<digest>``; ``""``: none) it must be better than the champion on those notes too.
    Writes the gate's answer as JSON, the gate report and the model card.

    Raises:
        ConfigError: ``reviewed_corpus_uri`` is no dataset URI.
        NotFound: the champion, or a dataset that is needed, is gone.
    """
    challenger = _load_model(read_model(model_path))
    evaluation = _read_evaluation(evaluation_path)
    documents = read_documents(test_path)
    storage = open_storage(registry_uri)
    reviewed = load_dataset(storage, parse_dataset_uri(reviewed_corpus_uri)) if reviewed_corpus_uri else None
    rival = _load_model(Registry(storage).files(model_name, champion)) if champion else None
    report = _judge(storage, challenger, rival, documents, reviewed, thresholds)
    write_text(gate_path, report.model_dump_json(indent=2))
    write_text(gate_report_path, render_gate_report(report))
    write_text(model_card_path, render_model_card(challenger.tagger.manifest, evaluation, gate_verdict=report.verdict))
    failed = [check.name for check in report.checks if check.verdict == "fail"]
    _log.info("judged", verdict=report.verdict, failed=failed)
    return report.verdict


def _judge(
    storage: Storage,
    challenger: _Model,
    champion: _Model | None,
    test: Sequence[Document],
    reviewed: Sequence[Document] | None,
    thresholds: GateThresholds,
) -> GateReport:
    if champion is None:
        return judge(assess(*challenger, test, labels_of(test, challenger.tagger)), None, thresholds)
    labels = labels_of(test, challenger.tagger, champion.tagger)
    return judge(
        assess(*challenger, test, labels),
        assess(*champion, test, labels),
        thresholds,
        champion_version=champion.tagger.manifest.version,
        contaminated=count_contaminated(test, _trained_on(storage, champion)),
        reviewed=None if reviewed is None else _compare_on(storage, reviewed, challenger, champion),
    )


def _load_model(files: ModelFiles) -> _Model:
    return _Model(Tagger.from_files(files), model_bytes(files))


def _read_evaluation(path: PathLike) -> Evaluation:
    try:
        return Evaluation.model_validate_json(read_bytes(path))
    except ValidationError as error:
        raise DataError(f"{path}: damaged artifact: not an evaluation") from error


def _compare_on(storage: Storage, notes: Sequence[Document], challenger: _Model, champion: _Model) -> ReviewedNotes:
    """Both on the reviewed notes, under the labels of all: one that a model does not know counts as missed by it."""
    labels = labels_of(notes, challenger.tagger, champion.tagger)
    trained_on = [*_trained_on(storage, challenger), *_trained_on(storage, champion)]
    return ReviewedNotes(
        challenger=perform(challenger.tagger, notes, labels),
        champion=perform(champion.tagger, notes, labels),
        seen=count_contaminated(notes, trained_on),
    )


def _trained_on(storage: Storage, model: _Model) -> list[Document]:
    """The documents that a version was trained on: its datasets, split again by its own rule."""
    manifest = model.tagger.manifest
    rule = SplitRule(**{name: manifest.parameters[name] for name in SplitRule.model_fields})
    test = load_dataset(storage, manifest.datasets["test"]) if "test" in manifest.datasets else ()
    split = split_documents(load_dataset(storage, manifest.datasets["train"]), rule, test=test)
    return [*split.train, *split.dev]
