"""Model, test documents and the champion's version in, one word out."""

from collections.abc import Sequence

import structlog
from pydantic import ValidationError

from clinical_ner.datasets import load_dataset
from clinical_ner.documents import Document
from clinical_ner.errors import DataError
from clinical_ner.evaluation.evaluation import Evaluation
from clinical_ner.gate import Candidate, GateThresholds, Verdict, assess, count_contaminated, judge, labels_of, model_bytes
from clinical_ner.model_package import Manifest
from clinical_ner.registry import Registry
from clinical_ner.reports.gate_report import render_gate_report
from clinical_ner.reports.model_card import render_model_card
from clinical_ner.splitting import SplitRule, split_documents
from clinical_ner.stages.artifacts import PathLike, read_bytes, read_documents, read_model, write_text
from clinical_ner.storage import Storage, open_storage
from clinical_ner.tagger import Tagger

_log = structlog.get_logger()


def quality_gate(
    *,
    model_path: PathLike,
    test_path: PathLike,
    evaluation_path: PathLike,
    champion: str,
    model_name: str,
    registry_uri: str,
    thresholds: GateThresholds,
    gate_path: PathLike,
    gate_report_path: PathLike,
    model_card_path: PathLike,
) -> Verdict:
    """Judge the model, against the champion's version where there is one (``""``: none).

    Writes the gate's answer as JSON, the gate report and the model card.
    """
    files = read_model(model_path)
    challenger = Tagger.from_files(files)
    evaluation = _read_evaluation(evaluation_path)
    documents = read_documents(test_path)
    storage = open_storage(registry_uri)
    rival = _load_champion(storage, model_name, champion)
    labels = labels_of(documents, challenger, *([rival[0]] if rival else []))
    report = judge(
        assess(challenger, model_bytes(files), documents, labels),
        _assess_champion(rival, documents, labels),
        thresholds,
        champion_version=champion,
        contaminated=count_contaminated(documents, _trained_on(storage, rival[0].manifest)) if rival else 0,
    )
    write_text(gate_path, report.model_dump_json(indent=2))
    write_text(gate_report_path, render_gate_report(report))
    write_text(model_card_path, render_model_card(challenger.manifest, evaluation, gate_verdict=report.verdict))
    failed = [check.name for check in report.checks if check.verdict == "fail"]
    _log.info("judged", verdict=report.verdict, failed=failed)
    return report.verdict


def _read_evaluation(path: PathLike) -> Evaluation:
    try:
        return Evaluation.model_validate_json(read_bytes(path))
    except ValidationError as error:
        raise DataError(f"{path}: damaged artifact: not an evaluation") from error


def _load_champion(storage: Storage, model_name: str, champion: str) -> tuple[Tagger, int] | None:
    if not champion:
        return None
    files = Registry(storage).files(model_name, champion)
    return Tagger.from_files(files), model_bytes(files)


def _assess_champion(
    rival: tuple[Tagger, int] | None, documents: Sequence[Document], labels: Sequence[str]
) -> Candidate | None:
    return assess(*rival, documents, labels) if rival else None


def _trained_on(storage: Storage, manifest: Manifest) -> list[Document]:
    """The documents that a version was trained on: its datasets, split again by its own rule."""
    rule = SplitRule(**{name: manifest.parameters[name] for name in SplitRule.model_fields})
    test = load_dataset(storage, manifest.datasets["test"]) if "test" in manifest.datasets else ()
    split = split_documents(load_dataset(storage, manifest.datasets["train"]), rule, test=test)
    return [*split.train, *split.dev]
