"""A registered version in, its rollout out."""

from typing import NamedTuple

from kfp import dsl

from components._image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def rollout(
    version_uri: str,
    rollout_target: str,
    rollout_plan: str,
    rollout_wait_minutes: int,
    model_name: str,
    registry_uri: str,
    rollout_report: dsl.Output[dsl.Markdown],
) -> NamedTuple("RolloutOutputs", [("rollout_name", str), ("outcome", str)]):  # type: ignore[valid-type]  # KFP copies this function alone
    """Ask for the rollout of the version, once; leave, or wait until it has succeeded.

    Args:
        version_uri: The register step's version.
        rollout_target: The service: local:FOLDER or kserve:NAMESPACE/SERVICE; empty for no rollout.
        rollout_plan: The plan as YAML, or its URI; empty for the default one.
        rollout_wait_minutes: How long to wait for its success; 0 leaves.
        model_name: Name that the model is served under.
        registry_uri: Where models live.
        rollout_report: Where the rollout stands, what each step showed, what to do next.

    Returns:
        The rollout's name, empty without one, and its phase as it was seen last, or none.
    """
    from clinical_ner.stages import rollout as stage

    return stage.rollout(
        version_uri=version_uri,
        rollout_target=rollout_target,
        rollout_plan=rollout_plan,
        rollout_wait_minutes=rollout_wait_minutes,
        model_name=model_name,
        registry_uri=registry_uri,
        rollout_report_path=rollout_report.path,
    )
