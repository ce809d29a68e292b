"""Judged windows and corrections in, what to do out."""

from kfp import dsl

from components._image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def decide(
    windows: dsl.Input[dsl.Artifact],
    drift: dsl.Input[dsl.Artifact],
    model_name: str,
    registry_uri: str,
    corrections_uri: str,
    reviewed_uri: str,
    roll_back_on: str,
    rollout_target: str,
    metrics_to: str,
    decision: dsl.Output[dsl.Artifact],
    drift_summary: dsl.Output[dsl.HTML],
) -> str:
    """Say what to do about the windows, and why.

    Args:
        windows: Both windows' profiles.
        drift: Both windows, judged, and the rules.
        model_name: Name that the model is served under.
        registry_uri: Where models, datasets and records of resubmissions live.
        corrections_uri: Corrections as dataset://DIGEST; empty for the model's current ones, none for none.
        reviewed_uri: Uniformly sampled reviewed notes as dataset://DIGEST; empty for the current corrections' part, or none.
        roll_back_on: never, or reviewed-f1 to order the way back when reviewed notes show the live version to be worse.
        rollout_target: Service whose rollouts go back and forth: kserve:NAMESPACE/SERVICE, local:FOLDER, or empty.
        metrics_to: Pushgateway or folder that the decision's metrics go to; empty for nowhere.
        decision: Action, reasons in words and all numbers, as JSON.
        drift_summary: The same on one screen, each column against its reference.

    Returns:
        yes when a training is asked for or one has to be seen to, else no.
    """
    from clinical_ner.stages import decide as stage

    return stage.decide(
        model_name=model_name,
        registry_uri=registry_uri,
        corrections_uri=corrections_uri,
        reviewed_uri=reviewed_uri,
        roll_back_on=roll_back_on,
        rollout_target=rollout_target,
        metrics_to=metrics_to,
        windows_path=windows.path,
        drift_path=drift.path,
        decision_path=decision.path,
        drift_summary_path=drift_summary.path,
    )
