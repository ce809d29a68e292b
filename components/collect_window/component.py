"""Inference log in, profiles of the last two windows out."""

from kfp import dsl

from components._image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def collect_window(
    model_name: str,
    registry_uri: str,
    log_uri: str,
    window_hours: float,
    window_end: str,
    novelty_days: float,
    metrics_to: str,
    windows: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Count what the live version answered in the last two windows.

    Args:
        model_name: Name that the model is served under.
        registry_uri: Where models live.
        log_uri: Where the inference log lies; empty for beside the registry.
        window_hours: Length of a window.
        window_end: End of the newest window (ISO 8601); empty for the last full hour.
        novelty_days: Days before both windows whose unknown words are no longer new; 0 looks for no new words.
        metrics_to: Pushgateway or folder that numbers of the log go to; empty for nowhere.
        windows: Both windows' profiles, and the newest one's unknown words by keyed hash: counts, no text.
        metrics: Notes in both windows, duplicate records, rejected files.
    """
    from clinical_ner.stages import collect_window as stage

    counts = stage.collect_window(
        model_name=model_name,
        registry_uri=registry_uri,
        log_uri=log_uri,
        window_hours=window_hours,
        window_end=window_end,
        novelty_days=novelty_days,
        metrics_to=metrics_to,
        windows_path=windows.path,
    )
    for name, value in counts.items():
        metrics.log_metric(name, value)
