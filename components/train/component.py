"""Best parameters and labelled sentences in, packaged model out."""

from kfp import dsl

from components._image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def train(
    train_sentences: dsl.Input[dsl.Dataset],
    dev_sentences: dsl.Input[dsl.Dataset],
    gazetteer: dsl.Input[dsl.Artifact],
    parameters: str,
    feature_groups: str,
    model_name: str,
    dataset_digest: str,
    test_dataset_digest: str,
    seed: int,
    dev_fraction: float,
    test_fraction: float,
    model: dsl.Output[dsl.Model],
) -> str:
    """Train the CRF on the train and development parts together and package it.

    Args:
        train_sentences: Sentences to train on.
        dev_sentences: More sentences to train on, since tuning is done.
        gazetteer: Terms whose matches are features; they become part of the model.
        parameters: CRF parameters as JSON.
        feature_groups: Feature groups, or all.
        model_name: Name that the model is served under.
        dataset_digest: Recorded with the model.
        test_dataset_digest: Recorded with the model.
        seed: Recorded with the model.
        dev_fraction: Recorded with the model.
        test_fraction: Recorded with the model.
        model: The model archive.

    Returns:
        The model's digest.
    """
    from clinical_ner.stages import train as stage

    digest = stage.train(
        train_path=train_sentences.path,
        dev_path=dev_sentences.path,
        gazetteer_path=gazetteer.path,
        parameters=parameters,
        feature_groups=feature_groups,
        model_name=model_name,
        dataset_digest=dataset_digest,
        test_dataset_digest=test_dataset_digest,
        seed=seed,
        dev_fraction=dev_fraction,
        test_fraction=test_fraction,
        model_path=model.path,
    )
    model.metadata["model_digest"] = digest
    return digest
