"""A decision in, one training run, a proposal or a refusal out."""

from kfp import dsl

from components._image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def resubmit(
    decision: dsl.Input[dsl.Artifact],
    model_name: str,
    registry_uri: str,
    log_uri: str,
    samples_uri: str,
    mode: str,
    cool_down_hours: float,
    min_new_documents: int,
    max_attempts: int,
    max_run_hours: float,
    retrain_trials: int,
    experiment_trials: int,
    training_parameters: str,
    training_package: str,
    kfp_host: str,
    kfp_namespace: str,
    runs_folder: str,
    roll_back_on: str,
    rollout_target: str,
    metrics_to: str,
    outcome: dsl.Output[dsl.Artifact],
) -> str:
    """Submit, propose or refuse the training that the decision asks for, once for its cause.

    Args:
        decision: The decide step's answer.
        model_name: Name that the model is served under.
        registry_uri: Where models, datasets and records of resubmissions live.
        log_uri: Where the inference log lies; empty for beside the registry.
        samples_uri: Where the review samples lie, and annotation tasks are left; empty for beside the log.
        mode: propose leaves the submission to a person, auto does it.
        cool_down_hours: From the end of a run to the next submission.
        min_new_documents: New or changed training documents below which nothing is trained.
        max_attempts: Runs of one cause, counting failed ones.
        max_run_hours: A run that has not ended by then counts as failed.
        retrain_trials: Tuning trials of a retrain.
        experiment_trials: Tuning trials of an experiment.
        training_parameters: JSON object of further parameters of the training pipeline, or empty.
        training_package: Compiled training pipeline: an s3:// URI, or a path where the step runs.
        kfp_host: KFP API endpoint; this machine when empty.
        kfp_namespace: Profile of a multi-user Kubeflow, or empty.
        runs_folder: Folder of runs on this machine.
        roll_back_on: never, or reviewed-f1 to order the way back when reviewed notes show the live version to be worse.
        rollout_target: Service whose rollouts go back and forth: kserve:NAMESPACE/SERVICE, local:FOLDER, or empty.
        metrics_to: Pushgateway or folder that the outcome's metrics go to; empty for nowhere.
        outcome: What was done, and why, as JSON.

    Returns:
        nothing, refused, needs-annotation, proposed, submitting or submitted.
    """
    from clinical_ner.stages import resubmit as stage

    hours = {"cool_down_hours": cool_down_hours, "max_run_hours": max_run_hours}
    counts = {"min_new_documents": min_new_documents, "max_attempts": max_attempts}
    trials = {"retrain_trials": retrain_trials, "experiment_trials": experiment_trials}
    return stage.resubmit(
        model_name=model_name,
        registry_uri=registry_uri,
        log_uri=log_uri,
        samples_uri=samples_uri,
        decision_path=decision.path,
        limits=stage.limits_of(mode=mode, **hours, **counts, **trials),
        training_parameters=training_parameters,
        training_package=training_package,
        kfp_host=kfp_host,
        kfp_namespace=kfp_namespace,
        runs_folder=runs_folder,
        roll_back_on=roll_back_on,
        rollout_target=rollout_target,
        metrics_to=metrics_to,
        outcome_path=outcome.path,
    )
