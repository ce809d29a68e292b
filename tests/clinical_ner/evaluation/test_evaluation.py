import pytest

from clinical_ner.documents import Document, Entity, ScoredEntity
from clinical_ner.evaluation.evaluation import Evaluation, annotate_all, evaluate, spans_of
from clinical_ner.evaluation.matching import NOTHING
from clinical_ner.tagger import Annotation

D, T = "DISEASE", "TREATMENT"
NORTH = Document("1", "gout and asthma on aspirin", (Entity(0, 4, D), Entity(9, 15, D), Entity(19, 26, T)), {"site": "north"})
SOUTH = Document("2", "asthma", (Entity(0, 6, D),), {"site": "south", "specialty": "gp"})
NOWHERE = Document("3", "no complaint", (), {"site": ""})


def annotation(*entities, tokens=10, unknown=1):
    return Annotation(tuple(ScoredEntity(*entity) for entity in entities), 1, tokens, unknown)


FOUND = [
    annotation((0, 4, D, 0.9), (9, 12, D, 0.5), tokens=5),
    annotation((0, 6, T, 0.7), tokens=1, unknown=0),
    annotation((0, 2, D, 0.1), tokens=2),
]


@pytest.fixture(scope="module")
def evaluation():
    return evaluate([NORTH, SOUTH, NOWHERE], FOUND)


def test_scores_counted_by_hand(evaluation):
    """4 gold and 4 predicted spans, 1 of them right; 2 when boundaries are forgiven."""
    strict, overlap = evaluation.strict, evaluation.overlap
    assert (strict.precision, strict.recall, strict.f1) == (0.25, 0.25, 0.25)
    assert (overlap.precision, overlap.recall, overlap.f1) == (0.5, 0.5, 0.5)
    assert (strict.gold_spans, strict.predicted_spans) == (overlap.gold_spans, overlap.predicted_spans) == (4, 4)
    assert sorted(strict.per_label) == sorted(overlap.per_label) == [D, T]
    disease, treatment = strict.per_label[D], strict.per_label[T]
    assert (disease.gold_spans, disease.predicted_spans, disease.f1) == (3, 3, pytest.approx(1 / 3))
    assert (treatment.gold_spans, treatment.predicted_spans, treatment.f1) == (1, 1, 0)
    assert overlap.per_label[D].recall == pytest.approx(2 / 3)


def test_intervals_belong_to_their_label(evaluation):
    """A label that is always wrong is so in every resample; overlap has no interval."""
    assert evaluation.strict.f1_low <= 0.25 <= evaluation.strict.f1_high
    assert evaluation.strict.per_label[D].f1_low <= 1 / 3 <= evaluation.strict.per_label[D].f1_high
    assert (evaluation.strict.per_label[T].f1_low, evaluation.strict.per_label[T].f1_high) == (0, 0)
    assert evaluation.overlap.f1_low is None


def test_confusion_names_its_rows(evaluation):
    """Labels in order, nothing last."""
    assert evaluation.confusion.labels == (D, T, NOTHING)
    assert evaluation.confusion.matrix == ((2, 1, 0), (0, 0, 1), (1, 0, 0))


def test_sizes_and_rates(evaluation):
    """Tokens are summed; rates are per 100 of them and of what was predicted; scores are averaged over entities."""
    assert (evaluation.documents, evaluation.tokens) == (3, 8)
    assert evaluation.entities_per_100_tokens == {D: 100 * 3 / 8, T: 100 / 8}
    assert evaluation.mean_score == pytest.approx((0.9 + 0.5 + 0.7 + 0.1) / 4)
    assert evaluation.out_of_vocabulary_rate == 2 / 8


def test_slices_are_by_value_of_site_and_specialty(evaluation):
    """Notes without a value are in no slice of that field, and a field that no note has is left out."""
    assert {field: list(slices) for field, slices in evaluation.slices.items()} == {
        "site": ["north", "south"],
        "specialty": ["gp"],
    }
    north, south = evaluation.slices["site"]["north"], evaluation.slices["site"]["south"]
    assert (north.documents, north.gold_spans, north.f1) == (1, 3, pytest.approx(2 / 5))
    assert north.f1_low == north.f1_high == pytest.approx(north.f1)
    assert (south.documents, south.gold_spans, south.f1) == (1, 1, 0)
    assert evaluate([NOWHERE], FOUND[2:]).slices == {}


def test_unalignable_gold_lowers_the_ceiling_and_counts_as_missed():
    """A span within a word, or over another one, cannot be found by any token labels; a repeated one is the same span."""
    spans = (Entity(0, 4, D), Entity(1, 4, D), Entity(9, 15, D), Entity(9, 15, D), Entity(19, 26, T))
    perfect = annotation((0, 4, D, 1.0), (9, 15, D, 1.0), (19, 26, T, 1.0))
    evaluation = evaluate([Document("1", NORTH.text, spans)], [perfect])
    assert (evaluation.unalignable.spans, evaluation.unalignable.recall_ceiling) == (1, 0.75)
    assert (evaluation.strict.precision, evaluation.strict.recall) == (1, evaluation.unalignable.recall_ceiling)


def test_perfect_predictions_score_1(unseen_documents):
    """Gold itself as prediction gives 1 everywhere, intervals included."""
    perfect = [annotation(*((*entity, 1.0) for entity in document.entities)) for document in unseen_documents]
    evaluation = evaluate(unseen_documents, perfect)
    scores = [evaluation.strict, *evaluation.strict.per_label.values()]
    assert {(score.precision, score.recall, score.f1, score.f1_low, score.f1_high) for score in scores} == {(1, 1, 1, 1, 1)}
    assert {part.f1 for slices in evaluation.slices.values() for part in slices.values()} == {1}
    assert evaluation.unalignable.recall_ceiling == 1


def test_known_label_is_scored_even_if_it_does_not_occur():
    """A model that knows a label which the test set lacks shows no evidence for it, not silence."""
    evaluation = evaluate([SOUTH], [annotation((0, 6, D, 1.0))], labels=[D, T])
    assert (evaluation.strict.per_label[T].gold_spans, evaluation.strict.per_label[T].f1) == (0, 0)
    assert list(evaluate([SOUTH], [annotation()]).strict.per_label) == [D]


def test_nothing_to_evaluate_gives_zeros():
    """No notes and no entities are no error; nothing lost means nothing lowers the ceiling."""
    evaluation = evaluate([], [])
    assert (evaluation.strict.f1, evaluation.strict.per_label, evaluation.tokens) == (0, {}, 0)
    assert (evaluation.unalignable.recall_ceiling, evaluation.mean_score, evaluation.out_of_vocabulary_rate) == (1, 0, 0)
    assert evaluate([NOWHERE], [annotation(tokens=0, unknown=0)]).strict.f1 == 0


def test_metrics_are_named_numbers(evaluation):
    """What runs are compared by: each number under the name that says what it is."""
    metrics = evaluation.metrics()
    assert metrics == {
        "strict_precision": 0.25,
        "strict_recall": 0.25,
        "strict_f1": 0.25,
        "overlap_f1": 0.5,
        "strict_f1_DISEASE": pytest.approx(1 / 3),
        "strict_f1_TREATMENT": 0,
        "overlap_f1_DISEASE": pytest.approx(2 / 3),
        "overlap_f1_TREATMENT": 0,
        "test_documents": 3,
        "recall_ceiling": 1,
    }


def test_evaluation_survives_its_json_and_holds_no_text(evaluation):
    """It is kept beside the model and shown: numbers and labels, no words of notes."""
    text = evaluation.model_dump_json()
    assert Evaluation.model_validate_json(text) == evaluation
    assert not any(word in text for document in (NORTH, SOUTH, NOWHERE) for word in document.text.split() if len(word) > 3)


def test_evaluation_of_a_real_model_is_repeatable(tagger, unseen_documents):
    """The same notes give the same numbers; a small model on unseen notes is neither perfect nor useless."""
    annotations = annotate_all(tagger, unseen_documents)
    evaluation = evaluate(unseen_documents, annotations)
    assert evaluation == evaluate(unseen_documents, annotate_all(tagger, unseen_documents))
    assert evaluation != evaluate(unseen_documents, annotations, seed=1)
    assert 0.65 < evaluation.strict.f1 < 0.95
    assert evaluation.strict.f1 <= evaluation.overlap.f1
    assert 0 < evaluation.out_of_vocabulary_rate < 0.3
    assert 0.5 < evaluation.mean_score < 1
    assert [len(spans) for spans in spans_of(annotations)] == [len(found.entities) for found in annotations]
