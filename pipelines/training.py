"""The training pipeline: corpus in, tuned, judged and registered model out, and its rollout asked for.

KFP pastes the operands of a condition into evaluated text and, run locally, misreads conditions on one of several outputs:
the gate therefore returns one word and nothing else. No artifact hangs on the condition.
"""

from kfp import dsl

from components.evaluate.component import evaluate
from components.ingest.component import ingest
from components.preprocess.component import preprocess
from components.quality_gate.component import quality_gate
from components.register.component import register
from components.rollout.component import rollout
from components.train.component import train
from components.tune.component import list_workers, tune, tune_worker

NAME = "clinical-ner-training"


def training(
    corpus_uri: str = "synthetic://?notes=600&seed=0",
    corpus_format: str = "synthetic",
    label_map: str = "",
    test_corpus_uri: str = "",
    reviewed_corpus_uri: str = "",
    on_bad_record: str = "fail",
    max_note_bytes: int = 1048576,
    seed: int = 0,
    dev_fraction: float = 0.15,
    test_fraction: float = 0.2,
    feature_groups: str = "all",
    gazetteer_uris: str = "",
    n_trials: int = 8,
    max_iterations: int = 100,
    search_space: str = "narrow",
    first_trial: str = "",
    excluded_trials: str = "",
    tuning_seed: int = -1,
    tuning_timeout_seconds: int = 0,
    tuning_workers: int = 1,
    study_storage: str = "",
    params_uri: str = "",
    min_f1: float = 0.6,
    max_f1_drop: float = 0.02,
    min_test_spans: int = 100,
    min_reviewed_spans: int = 50,
    min_slice_f1: float = 0.4,
    min_slice_spans: int = 50,
    max_unalignable_rate: float = 0.05,
    max_model_bytes: int = 104857600,
    max_latency_ratio: float = 1.5,
    latency_decides: bool = False,
    approval_required: bool = False,
    promote: str = "auto",
    rollout_target: str = "",
    rollout_plan: str = "",
    rollout_wait_minutes: int = 0,
    show_note_text: bool = False,
    model_name: str = "clinical-ner",
    registry_uri: str = "s3://BUCKET/registry",
) -> str:
    """Train a CRF that finds diseases and treatments in clinical notes; register it when it passes the quality gate.

    Args:
        corpus_uri: Corpus: a file, a folder, a comma-separated list, dataset://DIGEST, or synthetic://?notes=600&seed=0.
        corpus_format: synthetic, jsonl, biotext, conll, pubtator, brat or label-studio.
        label_map: Renames labels: D=DISEASE,T=TREATMENT. "X=" drops X, "*=" all others; empty keeps labels as they are.
        test_corpus_uri: A test set of its own, in the same format; empty splits one off.
        reviewed_corpus_uri: Reviewed notes (dataset://DIGEST) to beat the live version on; a resubmission sets them.
        on_bad_record: fail stops at a bad record, quarantine sets it aside.
        max_note_bytes: Longest note in UTF-8 bytes.
        seed: Draws the split, and the tuning trials unless tuning_seed does. A retrain keeps its champion's.
        dev_fraction: Share of patients to tune on.
        test_fraction: Share of patients to judge on; unused with test_corpus_uri.
        feature_groups: all, or some of word,shape,affix,ngram,context,bigram,position,gazetteer.
        gazetteer_uris: Term lists (a term a line) whose matches become features: DISEASE=URI,DRUG=URI; or gazetteer://DIGEST.
        n_trials: Tuning trials.
        max_iterations: L-BFGS iterations of each training.
        search_space: narrow, or wide for an experiment.
        first_trial: CRF parameters to try first, as JSON (a retrain: its champion's); empty for the defaults.
        excluded_trials: CRF parameters never to try again, as a JSON list (those of versions that were rolled back).
        tuning_seed: Draws the tuning trials; negative: seed does.
        tuning_timeout_seconds: Stop tuning after this time; 0 for no limit. A limit makes runs differ.
        tuning_workers: Tuning steps at once; more than 1 need study_storage.
        study_storage: journal:///file (one machine) or a database URL without password; empty keeps the study in the step.
        params_uri: JSON file of recorded parameters to replay instead of tuning.
        min_f1: Gate: floor of strict F1 for each label.
        max_f1_drop: Gate: how much worse than the champion the model may be, by the 95 % interval's lower end.
        min_test_spans: Gate: gold spans of each label below which there is too little evidence.
        min_reviewed_spans: Gate: gold spans in the reviewed notes below which there is too little evidence.
        min_slice_f1: Gate: floor of strict F1 for each site and specialty.
        min_slice_spans: Gate: gold spans below which a slice is not judged.
        max_unalignable_rate: Gate: largest share of gold spans that tokens cannot express.
        max_model_bytes: Gate: largest model.
        max_latency_ratio: Gate: time a note against the champion's.
        latency_decides: Gate: reject above max_latency_ratio instead of warning.
        approval_required: Leave an approved model a candidate until a person approves it.
        promote: auto makes an approved version live, never leaves that to a person; with rollout_target only a rollout does.
        rollout_target: Service to roll an approved version out on: kserve:NAMESPACE/SERVICE or local:FOLDER; empty for none.
        rollout_plan: The rollout's plan: YAML such as {approval: before-100}, or its URI; empty for 1, 10, 50, 100 %.
        rollout_wait_minutes: How long the run waits for the rollout to succeed; 0 leaves when it is asked for.
        show_note_text: Show note text in the error browser (protected health information) instead of masking it.
        model_name: Name that the model is registered and served under.
        registry_uri: Where datasets and models live.

    Returns:
        The gate's verdict: approve or reject.
    """
    ingested = ingest(
        corpus_uri=corpus_uri,
        corpus_format=corpus_format,
        test_corpus_uri=test_corpus_uri,
        label_map=label_map,
        gazetteer_uris=gazetteer_uris,
        on_bad_record=on_bad_record,
        max_note_bytes=max_note_bytes,
        seed=seed,
        dev_fraction=dev_fraction,
        test_fraction=test_fraction,
        model_name=model_name,
        registry_uri=registry_uri,
    )
    digest, test_digest = ingested.outputs["dataset_digest"], ingested.outputs["test_dataset_digest"]
    prepared = preprocess(
        dataset_digest=digest,
        test_dataset_digest=test_digest,
        gazetteer_digest=ingested.outputs["gazetteer_digest"],
        registry_uri=registry_uri,
        seed=seed,
        dev_fraction=dev_fraction,
        test_fraction=test_fraction,
    )
    search = {
        "study_storage": study_storage,
        "params_uri": params_uri,
        "train_sentences": prepared.outputs["train_sentences"],
        "dev_sentences": prepared.outputs["dev_sentences"],
        "feature_groups": feature_groups,
        "gazetteer": prepared.outputs["gazetteer"],
        "n_trials": n_trials,
        "max_iterations": max_iterations,
        "timeout_seconds": tuning_timeout_seconds,
        "seed": seed,
        "tuning_seed": tuning_seed,
        "first_trial": first_trial,
        "excluded_trials": excluded_trials,
        "search_space": search_space,
        "model_name": model_name,
    }
    workers = list_workers(tuning_workers=tuning_workers)
    with dsl.ParallelFor(workers.output, name="tuning workers") as worker:
        helped = tune_worker(worker=worker, **search)
    tuned = tune(worker_trials=dsl.Collected(helped.output), **search)
    trained = train(
        train_sentences=prepared.outputs["train_sentences"],
        dev_sentences=prepared.outputs["dev_sentences"],
        parameters=tuned.outputs["Output"],
        feature_groups=feature_groups,
        gazetteer=prepared.outputs["gazetteer"],
        model_name=model_name,
        dataset_digest=digest,
        test_dataset_digest=test_digest,
        seed=seed,
        dev_fraction=dev_fraction,
        test_fraction=test_fraction,
    )
    scored = evaluate(
        model=trained.outputs["model"], test_documents=prepared.outputs["test_documents"], show_note_text=show_note_text
    )
    judged = quality_gate(
        model=trained.outputs["model"],
        test_documents=prepared.outputs["test_documents"],
        evaluation=scored.outputs["evaluation"],
        champion=ingested.outputs["champion"],
        reviewed_corpus_uri=reviewed_corpus_uri,
        model_name=model_name,
        registry_uri=registry_uri,
        min_f1=min_f1,
        max_f1_drop=max_f1_drop,
        min_test_spans=min_test_spans,
        min_reviewed_spans=min_reviewed_spans,
        min_slice_f1=min_slice_f1,
        min_slice_spans=min_slice_spans,
        max_unalignable_rate=max_unalignable_rate,
        max_model_bytes=max_model_bytes,
        max_latency_ratio=max_latency_ratio,
        latency_decides=latency_decides,
    )
    with dsl.If(judged.outputs["Output"] == "approve", name="approved"):
        registered = register(
            model=trained.outputs["model"],
            evaluation=scored.outputs["evaluation"],
            reference_profile=scored.outputs["reference_profile"],
            gate=judged.outputs["gate"],
            gate_report=judged.outputs["gate_report"],
            model_card=judged.outputs["model_card"],
            approval_required=approval_required,
            promote=promote,
            rollout_target=rollout_target,
            model_name=model_name,
            registry_uri=registry_uri,
        )
        rolled_out = rollout(
            version_uri=registered.output,
            rollout_target=rollout_target,
            rollout_plan=rollout_plan,
            rollout_wait_minutes=rollout_wait_minutes,
            model_name=model_name,
            registry_uri=registry_uri,
        )
    for task in (ingested, registered, rolled_out):
        task.set_caching_options(enable_caching=False)
    verdict: str = judged.outputs["Output"]
    return verdict
