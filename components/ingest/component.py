"""Corpus in, immutable dataset out."""

from typing import NamedTuple

from kfp import dsl

from components._image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def ingest(
    corpus_uri: str,
    corpus_format: str,
    test_corpus_uri: str,
    label_map: str,
    gazetteer_uris: str,
    on_bad_record: str,
    max_note_bytes: int,
    seed: int,
    dev_fraction: float,
    test_fraction: float,
    model_name: str,
    registry_uri: str,
    data_quality: dsl.Output[dsl.HTML],
    quarantine: dsl.Output[dsl.Artifact],
) -> NamedTuple(  # type: ignore[valid-type]  # KFP copies this function alone
    "IngestOutputs", [("dataset_digest", str), ("test_dataset_digest", str), ("champion", str), ("gazetteer_digest", str)]
):
    """Read a corpus of any format, check every record, and store it as an immutable dataset.

    Args:
        corpus_uri: File, folder, comma-separated list, synthetic://?notes=..., or dataset://DIGEST.
        corpus_format: synthetic, jsonl, biotext, conll, pubtator, brat or label-studio.
        test_corpus_uri: A test set of its own; empty to split one off.
        label_map: D=DISEASE,T=TREATMENT; X= drops a label, * stands for all others; empty keeps labels.
        gazetteer_uris: Term lists as CLASS=URI entries divided by commas, gazetteer://DIGEST, or empty.
        on_bad_record: fail or quarantine.
        max_note_bytes: Longest note in UTF-8 bytes.
        seed: Draws the split, shown in the report.
        dev_fraction: Share of patients to tune on.
        test_fraction: Share of patients to judge on.
        model_name: Whose live version is the champion.
        registry_uri: Where datasets and models live.
        data_quality: The data-quality report.
        quarantine: The records set aside; holds note text.

    Returns:
        Digests of the dataset, test dataset and gazetteer, and the champion's version; empty where there is none.
    """
    from clinical_ner.splitting import SplitRule
    from clinical_ner.stages import ingest as stage

    return stage.ingest(
        corpus_uri=corpus_uri,
        corpus_format=corpus_format,
        test_corpus_uri=test_corpus_uri,
        label_map=label_map,
        gazetteer_uris=gazetteer_uris,
        on_bad_record=on_bad_record,
        max_note_bytes=max_note_bytes,
        rule=SplitRule.checked(seed=seed, dev_fraction=dev_fraction, test_fraction=test_fraction),
        model_name=model_name,
        registry_uri=registry_uri,
        data_quality_path=data_quality.path,
        quarantine_path=quarantine.path,
    )
