import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from clinical_ner import model_package
from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.documents import Document, Entity
from clinical_ner.errors import TooLittleData
from clinical_ner.features import FeatureSpec, extract
from clinical_ner.gazetteer import Gazetteer
from clinical_ner.model_package import parse_manifest, verify
from clinical_ner.splitting import SplitRule, split_documents
from clinical_ner.tagger import Tagger
from clinical_ner.tokenization import Tokenizer
from clinical_ner.training import CrfParameters, CrfTrainer, LabelledSentence, label_document, train_model

ROOT = Path(__file__).parents[2]
TRAIN_IN_A_NEW_PROCESS = """
import sys
from tests.clinical_ner.test_training import small_model
sys.stdout.write(small_model()["manifest.json"].decode())
"""


def small_model(*, split_seed=0, groups="all", **parameters):
    """A model of the train part of 60 notes, from nothing but its parameters."""
    split = split_documents(synthesize(60, seed=3), SplitRule(seed=split_seed, dev_fraction=0.2, test_fraction=0.2))
    tokenizer = Tokenizer()
    sentences = [sentence for document in split.train for sentence in label_document(document, tokenizer)[0]]
    return train_model(
        sentences,
        name="clinical-ner",
        parameters=CrfParameters(**{"max_iterations": 10, **parameters}),
        spec=FeatureSpec.parse(groups),
        datasets={"train": "sha256:" + "1" * 64},
        provenance={"seed": split_seed},
    )


@pytest.fixture(scope="module")
def model():
    return small_model()


def digest_of_model(files):
    return parse_manifest(files[model_package.MANIFEST]).model_digest


def test_model_is_the_same_in_every_process(model):
    """Documents, parameters and seed decide every byte of a model; the order of sets in memory does not."""
    other_seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    command = [sys.executable, "-c", TRAIN_IN_A_NEW_PROCESS]
    environment = {**os.environ, "PYTHONHASHSEED": other_seed}
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=True)
    assert result.stdout == model[model_package.MANIFEST]


@pytest.mark.parametrize(
    "change",
    [
        {"split_seed": 1},
        {"c1": 0.2},
        {"c2": 0.2},
        {"min_freq": 1},
        {"max_iterations": 9},
        {"entity_bias": 0.4},
        {"groups": "word,shape"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_parameter_changes_the_digest(model, change):
    """Another split, CRF parameter or feature group is another model."""
    assert digest_of_model(small_model(**change)) != digest_of_model(model)


def test_provenance_is_recorded_and_changes_nothing(labelled_sentences):
    """The manifest says what a model was made from; what the model does, and its digest, follow from the data alone."""
    how = {"parameters": CrfParameters(max_iterations=3, c1=0.5), "spec": FeatureSpec(groups=("word",))}
    one = train_model(labelled_sentences[:50], name="a", datasets={}, provenance={}, **how)
    other = train_model(labelled_sentences[:50], name="b", datasets={"train": "sha256:1"}, provenance={"seed": 5}, **how)
    assert digest_of_model(one) == digest_of_model(other)
    manifest = verify(other)
    assert (manifest.name, manifest.labels, manifest.datasets) == ("b", ("DISEASE", "TREATMENT"), {"train": "sha256:1"})
    assert manifest.parameters == {
        "c1": 0.5,
        "c2": 0.1,
        "min_freq": 0,
        "max_iterations": 3,
        "entity_bias": 0.5,
        "feature_groups": "word",
        "window": 2,
        "complete": True,
        "seed": 5,
    }
    assert {"clinical-ner", "python", "python-crfsuite", "spacy"} <= set(manifest.library_versions)
    assert all(manifest.library_versions.values())


def test_payload_says_what_the_model_saw(model):
    """Labels and lexicon are sorted; the lexicon is lower-cased and holds every word of the training notes."""
    lexicon = orjson.loads(model[model_package.LEXICON])
    assert orjson.loads(model[model_package.LABELS]) == ["DISEASE", "TREATMENT"]
    assert lexicon == sorted({word.lower() for word in lexicon})
    tagger = Tagger.from_files(model)
    unknown = [tagger.annotate(document.text).unknown_count for document in synthesize(60, seed=3)]
    assert unknown.count(0) > 30
    assert FeatureSpec.model_validate_json(model[model_package.FEATURES]) == FeatureSpec()
    assert model[model_package.GAZETTEER] == b"{}"


def test_gazetteer_is_part_of_the_model(labelled_sentences):
    """A model trained with term lists brings them along: served, it sees the features that it was trained on."""
    gazetteer = Gazetteer.from_terms({"known": ["gout", "diabetes", "asthma", "hypertension"]})
    how = {"name": "m", "parameters": CrfParameters(max_iterations=3), "spec": FeatureSpec(), "datasets": {}, "provenance": {}}
    files = train_model(labelled_sentences[:60], gazetteer=gazetteer, **how)
    assert orjson.loads(files[model_package.GAZETTEER]) == {"known": ["asthma", "diabete", "gout", "hypertension"]}
    assert digest_of_model(files) != digest_of_model(train_model(labelled_sentences[:60], **how))
    (features,) = Tagger.from_files(files).features("Has gout.")
    assert "g=known:S" in features[1]
    assert features == extract(["Has", "gout", "."], FeatureSpec(), gazetteer)


def test_trainer_can_train_again(labelled_sentences):
    """Tuning reuses one trainer: parameters of a trial before leave no trace in the next."""
    trainer = CrfTrainer(labelled_sentences[:80], FeatureSpec(groups=("word",)))
    first = CrfParameters(max_iterations=5)
    model = trainer.train(first)
    assert trainer.train(CrfParameters(c1=1.5, c2=0.01, min_freq=2, max_iterations=9)) != model
    assert trainer.train(first) == model


def test_more_penalty_gives_a_smaller_model(labelled_sentences):
    """c1 and min_freq reach CRFsuite under the names that it knows."""
    trainer = CrfTrainer(labelled_sentences[:80], FeatureSpec(groups=("word",)))
    plain = len(trainer.train(CrfParameters(c1=0, max_iterations=20)))
    assert len(trainer.train(CrfParameters(c1=2, max_iterations=20))) < plain
    assert len(trainer.train(CrfParameters(c1=0, min_freq=3, max_iterations=20))) < plain


def test_training_without_an_entity_is_refused(tokenizer):
    """Notes without a single entity, or no notes, are too little to learn from; the message says what to look at."""
    sentences, _ = label_document(Document("n", "No known problems."), tokenizer)
    for nothing in ([], sentences):
        with pytest.raises(TooLittleData, match=r"no entity.*label_map"):
            CrfTrainer(nothing, FeatureSpec())


def test_labels_of_single_words_are_learned(tokenizer):
    """A label whose every span is one token long is a label of the model."""
    sentences, _ = label_document(Document("n", "gout", (Entity(0, 4, "DISEASE"),)), tokenizer)
    assert CrfTrainer(sentences, FeatureSpec()).labels == {"DISEASE"}


def test_labelled_sentences_hold_every_token_and_the_unalignable_apart(tokenizer):
    """A document's sentences keep its tokens; what tags cannot say is handed back, not moved."""
    text = "He has gout. Takes aspirin daily."
    gout, aspirin, part = Entity(7, 11, "DISEASE"), Entity(19, 26, "TREATMENT"), Entity(20, 26, "TREATMENT")
    sentences, unalignable = label_document(Document("n7", text, (gout, aspirin, part)), tokenizer)
    assert [sentence.words for sentence in sentences] == [["He", "has", "gout", "."], ["Takes", "aspirin", "daily", "."]]
    assert [sentence.tags for sentence in sentences] == [("O", "O", "B-DISEASE", "O"), ("O", "B-TREATMENT", "O", "O")]
    assert unalignable == [part]
    assert {sentence.document_id for sentence in sentences} == {"n7"}
    assert LabelledSentence.model_validate_json(sentences[0].model_dump_json()) == sentences[0]


@pytest.mark.parametrize("field", ["c1", "c2", "min_freq", "max_iterations", "entity_bias"])
def test_impossible_parameters_are_refused(field):
    """Penalties are not negative, and there is at least one iteration."""
    with pytest.raises(ValueError, match=field):
        CrfParameters(**{field: -1})
