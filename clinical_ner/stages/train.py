"""Best parameters and labelled sentences in, packaged model out."""

import structlog

from clinical_ner import model_package
from clinical_ner.features import FeatureSpec
from clinical_ner.stages.artifacts import PathLike, read_gazetteer, read_sentences, write_model
from clinical_ner.training import CrfParameters, train_model

_log = structlog.get_logger()


def train(
    *,
    train_path: PathLike,
    dev_path: PathLike,
    gazetteer_path: PathLike,
    parameters: str,
    feature_groups: str,
    model_name: str,
    dataset_digest: str,
    test_dataset_digest: str,
    seed: int,
    dev_fraction: float,
    test_fraction: float,
    model_path: PathLike,
) -> str:
    """Train on the train and development parts together, since tuning is done; write the model archive.

    Returns the model's digest: a function of datasets, split, parameters and library versions, of nothing else.
    """
    sentences = [*read_sentences(train_path), *read_sentences(dev_path)]
    datasets = {"train": dataset_digest} | ({"test": test_dataset_digest} if test_dataset_digest else {})
    files = train_model(
        sentences,
        name=model_name,
        parameters=CrfParameters.model_validate_json(parameters),
        spec=FeatureSpec.parse(feature_groups),
        gazetteer=read_gazetteer(gazetteer_path),
        datasets=datasets,
        provenance={"seed": seed, "dev_fraction": dev_fraction, "test_fraction": test_fraction},
    )
    write_model(model_path, files)
    digest = model_package.parse_manifest(files[model_package.MANIFEST]).model_digest
    _log.info("trained", sentences=len(sentences), model_digest=digest)
    return digest
