"""Every stage with the parameters that most tests share, and a disk that is full."""

import resource
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from clinical_ner.gate import GateThresholds
from clinical_ner.splitting import SplitRule
from clinical_ner.stages.evaluate import evaluate
from clinical_ner.stages.ingest import IngestOutputs, ingest
from clinical_ner.stages.preprocess import preprocess
from clinical_ner.stages.quality_gate import quality_gate
from clinical_ner.stages.register import register
from clinical_ner.stages.rollout import rollout
from clinical_ner.stages.train import train

NAME = "clinical-ner"
RULE = SplitRule(seed=0, dev_fraction=0.15, test_fraction=0.2)
PARAMETERS = '{"c1": 0.1, "c2": 0.1, "min_freq": 0, "max_iterations": 25}'
THRESHOLDS = GateThresholds(min_f1=0.2, min_test_spans=20, min_slice_f1=0.0)


class Run(NamedTuple):
    """A folder of artifacts, the registry beside them, and what ingest returned."""

    folder: Path
    registry_uri: str
    ingested: IngestOutputs

    def into(self, folder):
        """The same run, whose next artifacts are written to another folder."""
        return self._replace(folder=folder)


def run_ingest(folder, registry_uri, corpus_uri, **changed):
    """Ingest into ``folder``."""
    chosen = {"corpus_format": "synthetic", "test_corpus_uri": "", "label_map": "", "on_bad_record": "fail", "rule": RULE}
    chosen["gazetteer_uris"] = ""
    chosen |= {"max_note_bytes": 100_000, "model_name": NAME, "registry_uri": str(registry_uri)} | changed
    outputs = {"data_quality_path": folder / "data_quality", "quarantine_path": folder / "quarantine"}
    return Run(folder, str(registry_uri), ingest(corpus_uri=str(corpus_uri), **chosen, **outputs))


def run_preprocess(run):
    """Split and label into the run's folder; returns the counts."""
    return preprocess(
        dataset_digest=run.ingested.dataset_digest,
        test_dataset_digest=run.ingested.test_dataset_digest,
        registry_uri=run.registry_uri,
        rule=RULE,
        train_path=run.folder / "train",
        dev_path=run.folder / "dev",
        test_path=run.folder / "test",
        gazetteer_digest=run.ingested.gazetteer_digest,
        gazetteer_path=run.folder / "gazetteer",
    )


def run_train(run, source=None, **changed):
    """Train on the sentences in ``source`` (the run's own folder) into the run's folder; returns the digest."""
    source = source or run.folder
    chosen = {"parameters": PARAMETERS, "feature_groups": "all", "model_name": NAME, **RULE.model_dump()}
    chosen |= {"gazetteer_path": source / "gazetteer"} | changed
    return train(
        train_path=source / "train",
        dev_path=source / "dev",
        dataset_digest=run.ingested.dataset_digest,
        test_dataset_digest=run.ingested.test_dataset_digest,
        model_path=run.folder / "model",
        **chosen,
    )


def run_evaluate(run, source=None, *, show_note_text=False):
    """Score the model of ``source`` on its test documents into the run's folder."""
    source = source or run.folder
    return evaluate(
        model_path=source / "model",
        test_path=source / "test",
        show_note_text=show_note_text,
        evaluation_path=run.folder / "evaluation",
        reference_path=run.folder / "reference",
        error_browser_path=run.folder / "error_browser",
    )


def run_gate(run, source=None, **changed):
    """Judge the model of ``source`` into the run's folder; returns the verdict."""
    source = source or run.folder
    chosen = {"champion": "", "reviewed_corpus_uri": "", "model_name": NAME, "registry_uri": run.registry_uri}
    chosen |= {"thresholds": THRESHOLDS} | changed
    return quality_gate(
        model_path=source / "model",
        test_path=source / "test",
        evaluation_path=source / "evaluation",
        gate_path=run.folder / "gate",
        gate_report_path=run.folder / "gate_report",
        model_card_path=run.folder / "model_card",
        **chosen,
    )


def run_register(run, registry_uri, **changed):
    """Register the run's model in the registry at ``registry_uri``; returns the version's URI."""
    chosen = {"approval_required": False, "promote": "auto", "rollout_target": "", "model_name": NAME} | changed
    paths = ("model", "evaluation", "reference", "gate", "gate_report", "model_card")
    return register(**{f"{name}_path": run.folder / name for name in paths}, registry_uri=str(registry_uri), **chosen)


def run_rollout(run, registry_uri, version_uri, **changed):
    """Roll the registered version out, into the run's folder; returns the rollout's name and outcome."""
    chosen = {"rollout_target": "", "rollout_plan": "", "rollout_wait_minutes": 0, "model_name": NAME} | changed
    report = run.folder / "rollout_report"
    return rollout(version_uri=version_uri, registry_uri=str(registry_uri), rollout_report_path=report, **chosen)


@contextmanager
def largest_file(size):
    """Let no file grow beyond ``size`` bytes in this process: the disk is full for what is longer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
