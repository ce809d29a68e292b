"""An approved model goes into the registry, and live where that is wanted."""

from kfp import dsl

from components._image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def register(
    model: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Artifact],
    reference_profile: dsl.Input[dsl.Artifact],
    gate: dsl.Input[dsl.Artifact],
    gate_report: dsl.Input[dsl.Markdown],
    model_card: dsl.Input[dsl.Markdown],
    approval_required: bool,
    promote: str,
    rollout_target: str,
    model_name: str,
    registry_uri: str,
) -> str:
    """Store the model as a version with its release files.

    Args:
        model: The model archive.
        evaluation: Its scores.
        reference_profile: What drift is measured from.
        gate: The gate's answer.
        gate_report: The gate's report.
        model_card: The model card.
        approval_required: Leave it a candidate until a person approves.
        promote: auto makes an approved version live, never does not.
        rollout_target: The service that its rollout is about, which alone makes it live then; or empty.
        model_name: Name that the model is served under.
        registry_uri: Where models live.

    Returns:
        URI of the version.
    """
    from clinical_ner.stages import register as stage

    return stage.register(
        model_path=model.path,
        evaluation_path=evaluation.path,
        reference_path=reference_profile.path,
        gate_path=gate.path,
        gate_report_path=gate_report.path,
        model_card_path=model_card.path,
        approval_required=approval_required,
        promote=promote,
        rollout_target=rollout_target,
        model_name=model_name,
        registry_uri=registry_uri,
    )
