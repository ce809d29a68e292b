"""A live version with a reference, and an inference log of what it answered, as servers write it."""

from datetime import UTC, datetime, timedelta

from clinical_ner.corpora.synthetic import Shift, synthesize
from clinical_ner.datasets import dataset_uri, store_dataset
from clinical_ner.drift.profile import Model
from clinical_ner.drift.reference import reference_of
from clinical_ner.drift.rules import DriftRules
from clinical_ner.inference_log.parquet import parse_lines, to_objects
from clinical_ner.inference_log.record import encode_records
from clinical_ner.registry import Registry
from clinical_ner.stages.artifacts import read_model, write_bytes
from clinical_ner.stages.collect_window import collect_window
from clinical_ner.stages.decide import decide
from clinical_ner.stages.drift_report import drift_report
from clinical_ner.stages.resubmit import limits_of, resubmit
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Tagger
from tests.clinical_ner.inference_log.answered import record_of
from tests.clinical_ner.stages.stage_runs import NAME, run_ingest, run_register

END = datetime(2030, 1, 3, tzinfo=UTC)
HOURS = 24
DAY = timedelta(hours=HOURS)
SHIFTED_END = END + 10 * DAY
SHIFT = Shift(new_diseases=0.6, new_site=0.5)


def make_live(run, folder, *, registry_uri="", reference_notes=300):
    """Register the finished run's model, with a reference of that many notes; 0 for the run's own. Returns the registry's URI.

    Without a ``registry_uri`` the registry is a folder below ``folder``.
    """
    registry_uri = registry_uri or (folder / "registry").as_uri()
    run_ingest(folder / "ingested", registry_uri, "synthetic://?notes=100&seed=0")
    if reference_notes:
        tagger = Tagger.from_files(read_model(run.folder / "model"))
        documents = synthesize(reference_notes, seed=1)
        annotations = [tagger.annotate(document.text) for document in documents]
        model = Model(tagger.manifest.name, "", tagger.digest)
        reference = reference_of(documents, annotations, model=model, labels=tagger.manifest.labels)
        for name in ("model", "evaluation", "gate", "gate_report", "model_card"):
            write_bytes(folder / "model" / name, (run.folder / name).read_bytes())
        write_bytes(folder / "model" / "reference", reference.to_json())
        run = run.into(folder / "model")
    run_register(run, registry_uri)
    return registry_uri


def answer(registry_uri, documents, end=END, log_uri=""):
    """Log what the live version says of the documents, spread over the day before ``end``; beside the registry by default."""
    storage = open_storage(registry_uri)
    live = Registry(storage).get(NAME, "live")
    model = Model(NAME, live.version, live.digest)
    tagger = Tagger.from_files(Registry(storage).files(NAME, "live"))
    times = [end - DAY + DAY * (number / len(documents)) for number in range(len(documents))]
    records = [
        record_of(model, document, tagger.annotate(document.text), time)
        for document, time in zip(documents, times, strict=True)
    ]
    log_storage = open_storage(log_uri or registry_uri)
    for log_file in to_objects(parse_lines(encode_records(records), "segment")):
        log_storage.write(log_file.key, log_file.data)


def answer_two_days(registry_uri, notes, shift=None, end=END, log_uri=""):
    """Two windows of answers on notes that share none, the newer one ending at ``end``."""
    for seed, day in ((10, end - DAY), (11, end)):
        answer(registry_uri, synthesize(notes, seed=seed, shift=shift or Shift()), day, log_uri)


def store_corrections(registry_uri, notes):
    """Corrections of shifted notes as a dataset; its URI."""
    documents = synthesize(notes, seed=20, shift=SHIFT)
    return dataset_uri(store_dataset(open_storage(registry_uri), documents, reader="feedback", parameters={}).digest)


def run_collect(registry_uri, folder, end=END, **changed):
    """Collect into ``folder``; returns the counts."""
    chosen = {
        "model_name": NAME,
        "log_uri": "",
        "window_hours": HOURS,
        "window_end": end.isoformat(),
        "novelty_days": 7,
        "metrics_to": "",
    } | changed
    return collect_window(registry_uri=registry_uri, windows_path=folder / "windows", **chosen)


def run_drift_report(registry_uri, folder, **changed):
    """Compare the windows in ``folder``; returns the numbers."""
    chosen = {"rules": DriftRules(), "evidently_workspace": ""} | changed
    return drift_report(
        model_name=NAME,
        registry_uri=registry_uri,
        windows_path=folder / "windows",
        drift_path=folder / "drift",
        evidently_report_path=folder / "evidently_report",
        **chosen,
    )


def run_decide(registry_uri, folder, corrections_uri="", reviewed_uri="", metrics_to="", **going_back):
    """Decide on what is in ``folder``; returns yes or no."""
    return decide(
        **{"roll_back_on": "never", "rollout_target": "", **going_back},
        model_name=NAME,
        registry_uri=registry_uri,
        corrections_uri=corrections_uri,
        reviewed_uri=reviewed_uri,
        metrics_to=metrics_to,
        windows_path=folder / "windows",
        drift_path=folder / "drift",
        decision_path=folder / "decision",
        drift_summary_path=folder / "drift_summary",
    )


def run_resubmit(registry_uri, folder, *, samples_uri="", training_parameters="", package="", metrics_to="", **limits):
    """Resubmit, on this machine, as the decision in ``folder`` asks; returns the status. There is a ``package`` or none."""
    going_back = {"roll_back_on": limits.pop("roll_back_on", "never"), "rollout_target": limits.pop("rollout_target", "")}
    return resubmit(
        **going_back,
        model_name=NAME,
        registry_uri=registry_uri,
        log_uri="",
        samples_uri=samples_uri,
        decision_path=folder / "decision",
        limits=limits_of(**limits),
        training_parameters=training_parameters,
        training_package=str(package or folder / "no-such-pipeline.yaml"),
        kfp_host="",
        kfp_namespace="",
        runs_folder=str(folder / "runs"),
        metrics_to=metrics_to,
        outcome_path=folder / "outcome",
    )
