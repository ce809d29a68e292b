"""Profiles of two windows in, their deviation from the version's reference and Evidently's report out."""

from kfp import dsl

from components._image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def drift_report(
    windows: dsl.Input[dsl.Artifact],
    model_name: str,
    registry_uri: str,
    evidently_workspace: str,
    watch_percent: float,
    retrain_percent: float,
    experiment_percent: float,
    alpha: float,
    min_window_notes: int,
    min_reference_notes: int,
    max_gap_hours: float,
    min_new_annotated: int,
    min_reviewed_notes: int,
    novelty_rate_ratio: float,
    novelty_new_share: float,
    drift: dsl.Output[dsl.Artifact],
    evidently_report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Compare both windows with the reference of the version that answered.

    Args:
        windows: Both windows' profiles.
        model_name: Name that the model is served under.
        registry_uri: Where models and their references live.
        evidently_workspace: Folder of an Evidently workspace to add the snapshot to, or empty.
        watch_percent: Deviation from which the decision is to watch.
        retrain_percent: Deviation from which the decision is to retrain.
        experiment_percent: Deviation above which the decision is to experiment.
        alpha: Probability that an undrifted window has a column beyond noise.
        min_window_notes: Notes below which a window is not judged.
        min_reference_notes: Notes of the reference below which no window is judged.
        max_gap_hours: Longest time between two windows that count as consecutive.
        min_new_annotated: Newly annotated documents that are worth a training by themselves.
        min_reviewed_notes: Reviewed notes below which two versions are not compared.
        novelty_rate_ratio: Rate of unknown words against the reference's that is an alert, if it is beyond noise.
        novelty_new_share: Share of new words among the recurring unknown ones, less what chance gives, that is an alert.
        drift: Both windows, judged, and the rules, as JSON.
        evidently_report: Evidently's page, which opens without network.
        metrics: Deviation of the window and of each of its columns, in percent, and what its unknown words are like.
    """
    from clinical_ner.drift.rules import DriftRules
    from clinical_ner.stages import drift_report as stage

    numbers = stage.drift_report(
        model_name=model_name,
        registry_uri=registry_uri,
        windows_path=windows.path,
        rules=DriftRules.checked(
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
        ),
        evidently_workspace=evidently_workspace,
        drift_path=drift.path,
        evidently_report_path=evidently_report.path,
    )
    for name, value in numbers.items():
        metrics.log_metric(name, value)
