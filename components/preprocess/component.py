"""Datasets in, labelled sentences and test documents out."""

from kfp import dsl

from components._image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def preprocess(
    dataset_digest: str,
    test_dataset_digest: str,
    gazetteer_digest: str,
    registry_uri: str,
    seed: int,
    dev_fraction: float,
    test_fraction: float,
    train_sentences: dsl.Output[dsl.Dataset],
    dev_sentences: dsl.Output[dsl.Dataset],
    test_documents: dsl.Output[dsl.Dataset],
    gazetteer: dsl.Output[dsl.Artifact],
    sizes: dsl.Output[dsl.Metrics],
) -> None:
    """Split by patient, tokenize, and label tokens.

    Args:
        dataset_digest: The dataset, as ingest stored it.
        test_dataset_digest: The test dataset, or empty.
        gazetteer_digest: The gazetteer that ingest stored, or empty.
        registry_uri: Where datasets live.
        seed: Draws the split.
        dev_fraction: Share of patients to tune on.
        test_fraction: Share of patients to judge on.
        train_sentences: Sentences to train on.
        dev_sentences: Sentences to tune on.
        test_documents: Documents to judge on.
        gazetteer: Its terms, for training.
        sizes: What each part holds.
    """
    from clinical_ner.splitting import SplitRule
    from clinical_ner.stages import preprocess as stage

    counts = stage.preprocess(
        dataset_digest=dataset_digest,
        test_dataset_digest=test_dataset_digest,
        gazetteer_digest=gazetteer_digest,
        registry_uri=registry_uri,
        rule=SplitRule.checked(seed=seed, dev_fraction=dev_fraction, test_fraction=test_fraction),
        train_path=train_sentences.path,
        dev_path=dev_sentences.path,
        test_path=test_documents.path,
        gazetteer_path=gazetteer.path,
    )
    for name, count in counts.items():
        sizes.log_metric(name, count)
