import math
import subprocess
import sys

import orjson
import pycrfsuite
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical_ner import labels, model_package
from clinical_ner.documents import ScoredEntity
from clinical_ner.errors import ModelFormatError
from clinical_ner.features import FeatureSpec, extract
from clinical_ner.postprocess import complete
from clinical_ner.tagger import Annotation, Tagger
from clinical_ner.training import CrfParameters, train_model

NOTE = "Started metformin for type 2 diabetes.\nNo sign of asthma; \N{GRINNING FACE} continues aspirin 81 mg daily. Zzyzx."

# The only reference to the file's bytes is the tagger's own; the memory is asked for again and filled.
FREED_BUFFER = """
import gc, sys
from pathlib import Path
from clinical_ner.tagger import Tagger

def load(folder):
    return Tagger.from_folder(Path(folder))

tagger = load(sys.argv[1])
before = tagger.annotate(sys.argv[2])
size = len(tagger._crf_bytes) if hasattr(tagger, "_crf_bytes") else 900_000
gc.collect()
held = [bytes([255]) * (size + extra) for extra in range(-64, 65)]
assert tagger.annotate(sys.argv[2]) == before and before.entities
"""


@pytest.fixture(scope="session")
def crf(model_files):
    """CRFsuite's own tagger on the same file."""
    data = model_files[model_package.CRF]
    reference = pycrfsuite.Tagger()
    reference.open_inmemory(data)
    yield reference
    assert data


@pytest.fixture(scope="session")
def found(tagger, unseen_documents):
    """Unseen notes with what the model finds in them."""
    return [(document.text, tagger.annotate(document.text)) for document in unseen_documents[:30]]


def test_score_is_the_smallest_marginal_of_the_entitys_own_labels(found, crf, tokenizer):
    """Recomputed with CRFsuite alone: same spans, same scores."""
    for text, annotation in found:
        expected = []
        for sentence in tokenizer.sentences(text):
            crf.set(extract([token.text for token in sentence], FeatureSpec()))
            tags = crf.tag()
            for span in labels.decode(tags):
                marginals = [crf.marginal(tags[position], position) for position in range(span.first, span.last)]
                expected.append(ScoredEntity(*span.entity(sentence), min(marginals)))
        assert list(annotation.entities) == complete(text, tokenizer.sentences(text), expected)
    scores = [entity.score for _, annotation in found for entity in annotation.entities]
    assert len(scores) > 100
    assert len(set(scores)) > 50
    assert all(0 < score <= 1 + 1e-12 for score in scores)


def test_entities_are_sorted_and_do_not_overlap(found):
    """What a reply shows can be highlighted from left to right."""
    for text, annotation in found:
        ends = [0, *(entity.end for entity in annotation.entities)]
        for end, entity in zip(ends, annotation.entities, strict=False):
            assert end <= entity.start < entity.end <= len(text)
            assert text[entity.start : entity.end].strip() == text[entity.start : entity.end]
            assert entity.label in {"DISEASE", "TREATMENT"}


def test_annotation_counts_sentences_tokens_and_unknown_words(tagger, model_files, tokenizer):
    """Unknown is a token whose lower-cased word was in no training note; each such word is given once, and never shown."""
    lexicon = set(orjson.loads(model_files[model_package.LEXICON]))
    text = "ZZYZX The THE patient\nqqq-qqq. Patient"
    assert {"the", "patient", "-", "."} <= lexicon
    assert not {"zzyzx", "qqq"} & lexicon
    annotation = tagger.annotate(text)
    assert (annotation.sentence_count, annotation.token_count, annotation.unknown_count) == (2, 9, 3)
    assert annotation.unknown_words == ("zzyzx", "qqq")
    assert "zzyzx" not in repr(annotation)
    assert len(tokenizer.sentences(text)) == 2


@pytest.mark.parametrize("text", ["", " ", "\r\n\t", "\xa0\u2028"])
def test_text_without_tokens_has_no_entities(tagger, text):
    """An empty note is a note, not an error."""
    assert tagger.annotate(text) == Annotation((), 0, 0, 0)
    assert tagger.explain(text, []) == []
    assert tagger.features(text) == []


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_any_text_is_annotated(tagger, text):
    """No string makes the model fail, NUL and unassigned code points included, and the answer is always the same."""
    annotation = tagger.annotate(text)
    assert annotation == tagger.annotate(text)
    assert tagger.explain(text, annotation.entities) is not None


def test_annotation_does_not_depend_on_notes_before(tagger, model_files, found):
    """One tagger over many notes says of each what a fresh one says."""
    fresh = Tagger.from_files(model_files)
    assert [fresh.annotate(text) for text, _ in reversed(found)] == [annotation for _, annotation in reversed(found)]
    tagger.explain(*next((text, annotation.entities) for text, annotation in found if annotation.entities))
    assert tagger.annotate(found[0][0]) == found[0][1]


def test_explanation_gives_the_strongest_features_of_each_entity(tagger, crf, found, tokenizer):
    """Weights are positive, sorted, at most ``top``, and are CRFsuite's own, summed over the entity's tokens.

    Entities that follow from others, and have their score, have no weights of their own.
    """
    weights = crf.info().state_features
    unexplained = 0
    for text, annotation in found[:10]:
        explanations = tagger.explain(text, annotation.entities, top=3)
        assert len(explanations) == len(annotation.entities)
        for entity, explanation in zip(annotation.entities, explanations, strict=True):
            if not explanation:
                unexplained += 1
                assert any(entity.score == other.score for other in annotation.entities if other is not entity)
                continue
            totals = _weights_of(entity, text, tokenizer, weights)
            best = sorted((weight for weight in totals.values() if weight > 0), reverse=True)[:3]
            assert [feature.weight for feature in explanation] == pytest.approx(best)
            assert all(math.isclose(totals[feature.feature], feature.weight) for feature in explanation)
        for entity, everything in zip(annotation.entities, tagger.explain(text, annotation.entities, top=10_000), strict=True):
            totals = _weights_of(entity, text, tokenizer, weights) if everything else {}
            assert {feature for feature, _ in everything} == {feature for feature, weight in totals.items() if weight > 0}
    assert unexplained < sum(len(annotation.entities) for _, annotation in found[:10]) / 10


def _weights_of(entity, text, tokenizer, weights):
    """Summed state weights of every feature of the entity's tokens for their own tags."""
    totals = {}
    for sentence in tokenizer.sentences(text):
        for token, row in zip(sentence, extract([token.text for token in sentence], FeatureSpec()), strict=True):
            if entity.start <= token.start < entity.end:
                place = {(True, True): "S-", (True, False): "B-", (False, True): "E-"}
                tag = place.get((token.start == entity.start, token.end == entity.end), "I-") + entity.label
                for feature in row:
                    totals[feature] = totals.get(feature, 0.0) + weights.get((feature, tag), 0.0)
    return totals


def test_explanation_keeps_the_order_of_what_was_asked(tagger, found):
    """Filtered or reversed entities get their own explanations; a span that the model does not find gets none."""
    text, annotation = next(item for item in found if len(item[1].entities) > 3)
    whole = tagger.explain(text, annotation.entities)
    assert tagger.explain(text, annotation.entities[::-2]) == whole[::-2]
    assert tagger.explain(text, [ScoredEntity(0, len(text), "DISEASE", 1.0)]) == [[]]
    assert all(len(explanation) <= 5 for explanation in whole)
    assert any(len(explanation) == 5 for explanation in whole)


def test_features_are_those_of_the_models_specification(labelled_sentences, tokenizer):
    """A model brings its own feature groups; serving uses those, not the defaults."""
    spec = FeatureSpec(groups=("word", "position"))
    files = train_model(
        labelled_sentences[:60],
        name="m",
        parameters=CrfParameters(max_iterations=3),
        spec=spec,
        datasets={},
        provenance={},
    )
    words = [[token.text for token in sentence] for sentence in tokenizer.sentences(NOTE)]
    assert Tagger.from_files(files).features(NOTE) == [extract(row, spec) for row in words]


def test_tagger_knows_what_it_serves(tagger, model_folder, model_files):
    """Digest and version are the manifest's, from a folder as from files."""
    manifest = model_package.parse_manifest(model_files[model_package.MANIFEST])
    assert (tagger.manifest, tagger.digest) == (manifest, manifest.model_digest)
    assert tagger.served_version == manifest.served_version
    assert Tagger.from_folder(model_folder, expected_digest=tagger.digest).annotate(NOTE) == tagger.annotate(NOTE)
    with pytest.raises(ModelFormatError, match="expected was sha256:0"):
        Tagger.from_folder(model_folder, expected_digest="sha256:" + "0" * 64)


def test_tagger_keeps_the_memory_that_crfsuite_reads(model_folder):
    """CRFsuite reads the caller's buffer for as long as it tags: freed and used again, it would crash the process."""
    result = subprocess.run(
        [sys.executable, "-c", FREED_BUFFER, str(model_folder), NOTE], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
