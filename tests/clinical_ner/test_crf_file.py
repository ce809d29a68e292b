import pycrfsuite
import pytest

from clinical_ner import model_package
from clinical_ner.crf_file import favour_entities
from clinical_ner.errors import ModelFormatError


def weights_of(model):
    tagger = pycrfsuite.Tagger()
    tagger.open_inmemory(model)
    information = tagger.info()
    return information.transitions, information.state_features


def test_bias_is_added_to_transitions_into_entities_only(model_files):
    """CRFsuite itself reads the changed weights: each O to B- or S- by the bias, every other one as it was."""
    model = model_files[model_package.CRF]
    transitions, states = weights_of(model)
    changed_transitions, changed_states = weights_of(favour_entities(model, 1.25))
    into_entities = {pair for pair in transitions if pair[0] == "O" and pair[1][:2] in {"B-", "S-"}}
    assert len(into_entities) == 4
    assert changed_states == states
    for pair, weight in transitions.items():
        assert changed_transitions[pair] == pytest.approx(weight + (1.25 if pair in into_entities else 0), abs=2e-6)


def test_no_bias_changes_no_byte(model_files):
    """A bias and its opposite cancel out too."""
    model = model_files[model_package.CRF]
    assert favour_entities(model, 0.0) == model
    assert weights_of(favour_entities(favour_entities(model, 0.5), -0.5)) == weights_of(model)


def test_more_bias_finds_more_entities(tagger, model_files, unseen_documents):
    """The number of begun entities grows with the bias."""
    found = []
    for bias in (0.0, 2.0, 6.0):
        model = favour_entities(model_files[model_package.CRF], bias)  # held while CRFsuite reads from it
        crf = pycrfsuite.Tagger()
        crf.open_inmemory(model)
        rows = (row for document in unseen_documents[:20] for row in tagger.features(document.text))
        found.append(sum(tag[:2] in {"B-", "S-"} for row in rows for tag in crf.tag(row)))
    assert 0 < found[0] < found[1] < found[2]


@pytest.mark.parametrize("size", [0, 3, 20, 1000])
def test_truncated_model_is_refused(model_files, size):
    """CRFsuite writes half a file to a full disk and says nothing: it does not become a model."""
    with pytest.raises(ModelFormatError, match="disk"):
        favour_entities(model_files[model_package.CRF][:size], 0.5)
