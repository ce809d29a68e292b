import pytest

from clinical_ner.gazetteer import EMPTY, Gazetteer, fold

DISEASES = ["type 2 diabetes mellitus", "diabetes", "Crohn's disease", "renal disease", "renal failure", "MS"]


def own(gazetteer, words):
    """Features of the words themselves, without those of their neighbours."""
    return [{feature for feature in row if feature[0] == "g"} for row in gazetteer.features(words)]


def test_words_of_a_term_know_their_place_in_it():
    """The longest term counts, whatever the case and number of its words."""
    gazetteer = Gazetteer.from_terms({"D": DISEASES})
    rows = own(gazetteer, ["No", "TYPE", "2", "diabetes", "mellitus", ",", "no", "diabetes", "or", "renal", "diseases"])
    places = [{feature for feature in row if feature.startswith("g=")} for row in rows]
    expected = ["", "B", "I", "I", "E", "", "", "S", "", "B", "E"]
    assert places == [{f"g=D:{place}"} if place else set() for place in expected]


def test_words_know_how_terms_use_them():
    """Heads and other words are counted on a coarse scale, in a term or not."""
    gazetteer = Gazetteer.from_terms({"D": [*DISEASES, *(f"disease{n} syndrome" for n in range(20))], "T": ["renal diet"]})
    assert own(gazetteer, ["the", "disease"])[1] == {"gh=D2"}
    assert own(gazetteer, ["renal", "the"])[0] == {"gi=D2", "gi=T1"}
    assert own(gazetteer, ["syndromes"]) == [{"gh=D4"}]


def test_neighbours_are_seen():
    """Every feature of a word is also one of the words beside it, marked with the side."""
    rows = Gazetteer.from_terms({"D": ["gout"]}).features(["has", "gout", "now"])
    assert rows == [["+1gh=D1", "+1g=D:S"], ["gh=D1", "g=D:S"], ["-1gh=D1", "-1g=D:S"]]


def test_term_of_two_classes_has_both():
    """Lists may disagree; training decides which one to believe."""
    assert own(Gazetteer.from_terms({"A": ["gout"], "B": ["Gout"]}), ["gout"]) == [{"g=A:S", "g=B:S", "gh=A1", "gh=B1"}]


def test_empty_gazetteer_has_no_features():
    """Without terms, or with none that tells anything, words have no features."""
    assert EMPTY.features(["gout", "MS"]) == [[], []]
    assert Gazetteer.from_terms({"D": ["MS", "", "  "]}).features(["MS", ""]) == [[], []]
    assert EMPTY.features([]) == []


def test_gazetteer_survives_its_json():
    """The same terms in any order are the same bytes, and give the same features when read back."""
    gazetteer = Gazetteer.from_terms({"T": ["renal diet"], "D": DISEASES})
    assert gazetteer.to_json() == Gazetteer.from_terms({"D": DISEASES[::-1] * 2, "T": ["Renal  diets"]}).to_json()
    words = "renal disease and type 2 diabetes mellitus".split()
    assert Gazetteer.from_json(gazetteer.to_json()).features(words) == gazetteer.features(words)
    for data in (b"[]", b'{"D": "gout"}', b"{", b'{"D": [1]}'):
        with pytest.raises(ValueError, match=r"JSON|valid"):
            Gazetteer.from_json(data)


@pytest.mark.parametrize(
    ("word", "folded"),
    [
        ("Tumours", "tumour"),
        ("biopsies", "biopsy"),
        ("virus", "virus"),
        ("diagnosis", "diagnosis"),
        ("loss", "loss"),
        ("Gas", "gas"),
    ],
)
def test_fold_takes_plurals_off(word, folded):
    """Latin and Greek endings stay; so do short words."""
    assert fold(word) == folded
