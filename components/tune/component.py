"""Hyperparameter search: the worker list, a worker, and the step that completes the study."""

from kfp import dsl

from components._image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def list_workers(tuning_workers: int) -> list[int]:
    """Number the tuning workers.

    Args:
        tuning_workers: How many.

    Returns:
        0 to tuning_workers - 1.
    """
    from clinical_ner.stages import list_workers as stage

    return stage.list_workers(tuning_workers)


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def tune_worker(
    worker: int,
    study_storage: str,
    params_uri: str,
    train_sentences: dsl.Input[dsl.Dataset],
    dev_sentences: dsl.Input[dsl.Dataset],
    gazetteer: dsl.Input[dsl.Artifact],
    feature_groups: str,
    n_trials: int,
    max_iterations: int,
    timeout_seconds: int,
    seed: int,
    tuning_seed: int,
    first_trial: str,
    excluded_trials: str,
    search_space: str,
    model_name: str,
) -> int:
    """Run trials of a shared study until it is complete; does nothing when the study is not shared.

    Args:
        worker: This worker's number.
        study_storage: Journal file or database URL; empty when not shared.
        params_uri: Recorded parameters to replay instead of searching, or empty.
        train_sentences: Sentences to train on.
        dev_sentences: Sentences to score on.
        gazetteer: Terms whose matches are features.
        feature_groups: Feature groups, or all.
        n_trials: Finished trials that complete the study.
        max_iterations: L-BFGS iterations of a trial.
        timeout_seconds: Time limit, 0 for none.
        seed: Draws the trials when tuning_seed is negative.
        tuning_seed: Draws the trials.
        first_trial: Parameters to try first, as JSON; empty for the defaults.
        excluded_trials: Parameters never to try, as a JSON list.
        search_space: narrow or wide.
        model_name: Part of the study's name.

    Returns:
        Finished trials of the study.
    """
    from clinical_ner.stages import tune as stage

    search = stage.Search(
        study_storage=study_storage,
        feature_groups=feature_groups,
        n_trials=n_trials,
        max_iterations=max_iterations,
        timeout_seconds=timeout_seconds,
        seed=seed,
        model_name=model_name,
        tuning_seed=tuning_seed,
        first_trial=first_trial,
        excluded_trials=excluded_trials,
        search_space=search_space,
    )
    return stage.tune_worker(
        worker=worker,
        params_uri=params_uri,
        train_path=train_sentences.path,
        dev_path=dev_sentences.path,
        gazetteer_path=gazetteer.path,
        search=search,
    )


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def tune(
    study_storage: str,
    params_uri: str,
    train_sentences: dsl.Input[dsl.Dataset],
    dev_sentences: dsl.Input[dsl.Dataset],
    gazetteer: dsl.Input[dsl.Artifact],
    feature_groups: str,
    n_trials: int,
    max_iterations: int,
    timeout_seconds: int,
    seed: int,
    tuning_seed: int,
    first_trial: str,
    excluded_trials: str,
    search_space: str,
    model_name: str,
    worker_trials: list[int],
    tuning_report: dsl.Output[dsl.HTML],
) -> str:
    """Complete the study and report it.

    Args:
        study_storage: Journal file or database URL; empty to search in this step alone.
        params_uri: Recorded parameters to replay instead of searching, or empty.
        train_sentences: Sentences to train on.
        dev_sentences: Sentences to score on.
        gazetteer: Terms whose matches are features.
        feature_groups: Feature groups, or all.
        n_trials: Finished trials that complete the study.
        max_iterations: L-BFGS iterations of a trial.
        timeout_seconds: Time limit, 0 for none.
        seed: Draws the trials when tuning_seed is negative.
        tuning_seed: Draws the trials.
        first_trial: Parameters to try first, as JSON; empty for the defaults.
        excluded_trials: Parameters never to try, as a JSON list.
        search_space: narrow or wide.
        model_name: Part of the study's name.
        worker_trials: What each worker returned.
        tuning_report: The tuning report with plots.

    Returns:
        The best parameters as JSON.
    """
    from clinical_ner.stages import tune as stage

    search = stage.Search(
        study_storage=study_storage,
        feature_groups=feature_groups,
        n_trials=n_trials,
        max_iterations=max_iterations,
        timeout_seconds=timeout_seconds,
        seed=seed,
        model_name=model_name,
        tuning_seed=tuning_seed,
        first_trial=first_trial,
        excluded_trials=excluded_trials,
        search_space=search_space,
    )
    return stage.tune(
        params_uri=params_uri,
        train_path=train_sentences.path,
        dev_path=dev_sentences.path,
        gazetteer_path=gazetteer.path,
        search=search,
        worker_trials=worker_trials,
        report_path=tuning_report.path,
    )
