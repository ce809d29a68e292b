"""The train stage: sentences in, one model archive out, the same for the same input."""

import orjson
import pytest

from clinical_ner.errors import ConfigError, TooLittleData
from clinical_ner.gazetteer import Gazetteer
from clinical_ner.model_package import FEATURES, GAZETTEER, MANIFEST, parse_manifest
from clinical_ner.stages.artifacts import read_model, read_sentences, write_gazetteer, write_sentences
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Tagger
from clinical_ner.term_lists import store_gazetteer
from tests.clinical_ner.stages.stage_runs import NAME, PARAMETERS, run_train


def test_train_gives_the_same_digest_twice(finished, tmp_path):
    """The digest is a function of the input, and is the one in the archive's manifest."""
    first = run_train(finished.into(tmp_path / "a"), finished.folder)
    assert first == run_train(finished.into(tmp_path / "b"), finished.folder)
    files = read_model(tmp_path / "a" / "model")
    assert Tagger.from_files(files, expected_digest=first).manifest.name == NAME


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"seed": 7}, True),
        ({"parameters": PARAMETERS.replace("0.1", "0.2", 1)}, False),
        ({"feature_groups": "word,shape"}, False),
    ],
)
def test_train_digest_follows_what_decides_the_model(finished, tmp_path, changed, same):
    """What only describes a model leaves its digest alone; what changes its weights changes it."""
    before = parse_manifest(read_model(finished.folder / "model")[MANIFEST]).model_digest
    assert (run_train(finished.into(tmp_path), finished.folder, **changed) == before) is same


def test_train_records_what_the_model_was_made_from(finished):
    """CRF parameters, split, seed, features and dataset can be read in the manifest."""
    files = read_model(finished.folder / "model")
    manifest = parse_manifest(files[MANIFEST])
    expected = orjson.loads(PARAMETERS) | {"seed": 0, "dev_fraction": 0.15, "test_fraction": 0.2}
    assert manifest.parameters.items() >= expected.items()
    assert manifest.datasets == {"train": finished.ingested.dataset_digest}
    assert orjson.loads(files[FEATURES])["window"] == manifest.parameters["window"]


def test_train_puts_the_gazetteer_into_the_model(finished, tmp_path):
    """Its terms are a file of the model, whose digest is the one that ingest returned for them."""
    gazetteer = Gazetteer.from_terms({"known": ["gout"]})
    write_gazetteer(tmp_path / "gazetteer", gazetteer)
    run_train(finished.into(tmp_path), finished.folder, gazetteer_path=tmp_path / "gazetteer")
    files = read_model(tmp_path / "model")
    assert files[GAZETTEER] == gazetteer.to_json()
    stored = store_gazetteer(open_storage(str(tmp_path / "registry")), gazetteer)
    assert parse_manifest(files[MANIFEST]).files[GAZETTEER] == stored


def test_train_uses_the_development_part_too(finished):
    """Tuning is done: words that only the development sentences have are in the model's lexicon."""
    lexicon = set(orjson.loads(read_model(finished.folder / "model")["lexicon.json"]))
    train, dev = (
        {word.lower() for sentence in read_sentences(finished.folder / part) for word in sentence.words}
        for part in ("train", "dev")
    )
    assert dev - train
    assert lexicon == train | dev


def test_train_without_entities_writes_nothing(finished, tmp_path):
    """Sentences without a single entity teach nothing."""
    plain = [
        sentence.model_copy(update={"tags": ("O",) * len(sentence.tags)})
        for sentence in read_sentences(finished.folder / "dev")
    ]
    for part in ("train", "dev"):
        write_sentences(tmp_path / part, plain)
    with pytest.raises(TooLittleData, match="no entity"):
        run_train(finished.into(tmp_path), gazetteer_path=finished.folder / "gazetteer")
    assert not (tmp_path / "model").exists()


def test_train_refuses_an_unknown_feature_group(finished, tmp_path):
    """The parameter and the known groups are named."""
    with pytest.raises(ConfigError, match=r"feature_groups: 'word,smell' is not a list of word, shape"):
        run_train(finished.into(tmp_path), finished.folder, feature_groups="word,smell")
