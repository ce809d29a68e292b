import pytest

from clinical_ner.evaluation.evaluation import evaluate
from clinical_ner.model_package import MANIFEST, Manifest, build_package, parse_manifest
from clinical_ner.reports.model_card import render_model_card
from tests.clinical_ner.reports.markdown_tables import html, tables


@pytest.fixture
def manifest() -> Manifest:
    package = build_package(
        {"model.crfsuite": b"weights"},
        name="clinical-ner",
        labels=("DISEASE", "TREATMENT"),
        parameters={"c1": 0.1, "feature_groups": "word|shape"},
        datasets={"train": "sha256:1234"},
        library_versions={"spacy": "3.8"},
    )
    return parse_manifest(package[MANIFEST])


@pytest.fixture
def card(manifest, documents, annotations) -> str:
    return render_model_card(manifest, evaluate(documents, annotations), gate_verdict="approve", counts={"documents": 1234})


def rows(text: str) -> list[list[str]]:
    return [row for table in tables(text) for row in table]


def test_model_card_names_model_data_and_parameters(card, manifest):
    """Everything that a model is made from, so that it can be made again."""
    for row in (
        ["Digest", manifest.model_digest],
        ["Version", "not registered yet"],
        ["Quality gate", "approve"],
        ["train", "sha256:1234"],
        ["documents", "1,234"],
        ["c1", "0.1"],
        ["feature_groups", "word|shape"],
        ["spacy", "3.8"],
        ["model.crfsuite", manifest.files["model.crfsuite"]],
    ):
        assert row in rows(card)


def test_model_card_gives_strict_scores_with_their_intervals(card, documents, annotations):
    """One row a label and one for all, as the evaluation has them."""
    scores = evaluate(documents, annotations).strict
    assert [
        "all",
        f"{scores.precision:.3f}",
        f"{scores.recall:.3f}",
        f"{scores.f1:.3f}",
        f"{scores.f1_low:.3f} to {scores.f1_high:.3f}",
        "5",
        "5",
    ] in rows(card)


def test_model_card_gives_overlap_scores_confusion_and_slices(card):
    """What is nearly right, what is taken for what, and where."""
    assert ["DISEASE", "0.667", "0.667", "0.667"] in rows(card)
    assert ["Gold", "DISEASE", "TREATMENT", "(none)"] in rows(card)
    assert ["DISEASE", "2", "0", "1"] in rows(card)
    assert ["north", "1", "3", "0.000", "0.000 to 0.000"] in rows(card)


@pytest.mark.parametrize(
    "section",
    [
        "Intended use",
        "Out of scope",
        "Training data",
        "Parameters",
        "Metrics",
        "Limitations",
        "Protected health information",
        "How to reproduce",
    ],
)
def test_model_card_has_the_sections_of_a_model_card(card, section):
    """Mitchell et al. 2019 ask for each."""
    assert f"<h2>{section}</h2>" in html(card)


def test_model_card_shows_no_note_text(card):
    """A card goes where notes may not."""
    assert not [word for word in ("Zebulon", "Quackenbush", "asthma", "salbutamol") if word in card]


def test_model_card_of_an_empty_test_set_makes_no_numbers_up(manifest):
    """No document, no label: the card says 0 notes, and the gate was not asked."""
    card = render_model_card(manifest, evaluate([], []), gate_verdict=None)
    assert "On 0 test notes" in card
    assert ["Quality gate", "not asked yet"] in rows(card)
