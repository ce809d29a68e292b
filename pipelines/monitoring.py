"""The monitoring pipeline: inference log in, a decision out, and a training where the decision asks for one.

As in training, the condition reads one word and no artifact hangs on it. Every stage costs a pod, some 20 s: there are few.
"""

from kfp import dsl

from clinical_ner.drift.deviation import ALPHA
from components.collect_window.component import collect_window
from components.decide.component import decide
from components.drift_report.component import drift_report
from components.resubmit.component import resubmit

NAME = "clinical-ner-monitoring"


def monitoring(
    model_name: str = "clinical-ner",
    registry_uri: str = "s3://BUCKET/registry",
    log_uri: str = "",
    samples_uri: str = "",
    window_hours: float = 24.0,
    window_end: str = "",
    novelty_days: float = 7.0,
    watch_percent: float = 2.0,
    retrain_percent: float = 5.0,
    experiment_percent: float = 10.0,
    alpha: float = ALPHA,
    min_window_notes: int = 50,
    min_reference_notes: int = 100,
    max_gap_hours: float = 24.0,
    min_new_annotated: int = 200,
    min_reviewed_notes: int = 100,
    novelty_rate_ratio: float = 1.5,
    novelty_new_share: float = 0.05,
    corrections_uri: str = "",
    reviewed_uri: str = "",
    roll_back_on: str = "never",
    rollout_target: str = "",
    mode: str = "propose",
    cool_down_hours: float = 24.0,
    min_new_documents: int = 50,
    max_attempts: int = 3,
    max_run_hours: float = 24.0,
    retrain_trials: int = 8,
    experiment_trials: int = 40,
    training_parameters: str = "",
    training_package: str = "pipelines/compiled/clinical-ner-training.yaml",
    kfp_host: str = "",
    kfp_namespace: str = "",
    runs_folder: str = "runs",
    evidently_workspace: str = "",
    metrics_to: str = "",
) -> str:
    """Compare what the live model answered with its reference; decide, and resubmit the training where that is asked for.

    Args:
        model_name: Name that the model is served under; its live version is watched.
        registry_uri: Where datasets, models and the records of resubmissions live.
        log_uri: Where the inference log lies; empty for beside the registry.
        samples_uri: Where review samples lie, and annotation tasks are left when only they can help; empty for beside the log.
        window_hours: Length of a window. The last two are compared, and drift has to last through both.
        window_end: End of the newest window (ISO 8601, UTC unless it says otherwise); empty for the last full hour.
        novelty_days: Days before both windows whose unknown words are no longer new; 0 looks for no new words.
        watch_percent: Deviation in percent from which the decision is to watch.
        retrain_percent: Deviation in percent from which the decision is to retrain.
        experiment_percent: Deviation in percent above which the decision is to experiment.
        alpha: Probability that an undrifted window has a column beyond noise.
        min_window_notes: Notes below which a window is not judged.
        min_reference_notes: Notes of the reference below which no window is judged.
        max_gap_hours: Longest time between two windows that count as consecutive.
        min_new_annotated: Newly annotated documents that are worth a training by themselves.
        min_reviewed_notes: Reviewed notes below which two versions are not compared.
        novelty_rate_ratio: Rate of unknown words against the reference's that is an alert, if it is beyond noise.
        novelty_new_share: Share of new words among the recurring unknown ones, less what chance gives, that is an alert.
        corrections_uri: Corrections to train on, as dataset://DIGEST; empty for the model's current ones, none for none.
        reviewed_uri: Notes to compare live and previous version on, likewise; empty for the uniformly sampled current ones.
        roll_back_on: reviewed-f1 rolls a live version back that reviewed notes show to be worse, never leaves it to a person.
        rollout_target: Service whose rollouts move the traffic: kserve:NAMESPACE/SERVICE or local:FOLDER; empty without any.
        mode: propose leaves the submission to a person (clinical-ner resubmit approve), auto submits.
        cool_down_hours: Hours from the end of a training run to the next submission.
        min_new_documents: New or changed training documents below which nothing is trained.
        max_attempts: Runs of one cause, counting failed ones.
        max_run_hours: A training run that has not ended by then counts as failed.
        retrain_trials: Tuning trials of a retrain.
        experiment_trials: Tuning trials of an experiment.
        training_parameters: JSON object of further parameters of the training pipeline: {"min_f1": 0.7}; empty for none.
        training_package: Compiled training pipeline that is submitted: an s3:// URI, or a path where the step runs.
        kfp_host: KFP API endpoint that trainings are submitted to; empty for the machine that the step runs on.
        kfp_namespace: Profile of a multi-user Kubeflow; empty for a single-user one.
        runs_folder: Folder of training runs without kfp_host.
        evidently_workspace: Folder of an Evidently workspace that collects snapshots for its UI; empty for none.
        metrics_to: A Prometheus Pushgateway (http://...) or a textfile collector's folder for metrics; empty for nowhere.

    Returns:
        Whether a resubmission was considered: yes or no.
    """
    collected = collect_window(
        model_name=model_name,
        registry_uri=registry_uri,
        log_uri=log_uri,
        window_hours=window_hours,
        window_end=window_end,
        novelty_days=novelty_days,
        metrics_to=metrics_to,
    )
    windows = collected.outputs["windows"]
    compared = drift_report(
        windows=windows,
        model_name=model_name,
        registry_uri=registry_uri,
        evidently_workspace=evidently_workspace,
        watch_percent=watch_percent,
        retrain_percent=retrain_percent,
        experiment_percent=experiment_percent,
        alpha=alpha,
        min_window_notes=min_window_notes,
        min_reference_notes=min_reference_notes,
        max_gap_hours=max_gap_hours,
        min_new_annotated=min_new_annotated,
        min_reviewed_notes=min_reviewed_notes,
        novelty_rate_ratio=novelty_rate_ratio,
        novelty_new_share=novelty_new_share,
    )
    decided = decide(
        windows=windows,
        drift=compared.outputs["drift"],
        model_name=model_name,
        registry_uri=registry_uri,
        corrections_uri=corrections_uri,
        reviewed_uri=reviewed_uri,
        roll_back_on=roll_back_on,
        rollout_target=rollout_target,
        metrics_to=metrics_to,
    )
    with dsl.If(decided.outputs["Output"] == "yes", name="asked for"):
        submitted = resubmit(
            decision=decided.outputs["decision"],
            model_name=model_name,
            registry_uri=registry_uri,
            log_uri=log_uri,
            samples_uri=samples_uri,
            mode=mode,
            cool_down_hours=cool_down_hours,
            min_new_documents=min_new_documents,
            max_attempts=max_attempts,
            max_run_hours=max_run_hours,
            retrain_trials=retrain_trials,
            experiment_trials=experiment_trials,
            training_parameters=training_parameters,
            training_package=training_package,
            kfp_host=kfp_host,
            kfp_namespace=kfp_namespace,
            runs_folder=runs_folder,
            roll_back_on=roll_back_on,
            rollout_target=rollout_target,
            metrics_to=metrics_to,
        )
    for task in (collected, decided, submitted):
        task.set_caching_options(enable_caching=False)
    answer: str = decided.outputs["Output"]
    return answer
