import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical_ner.documents import Document, Entity
from clinical_ner.reports import error_browser
from clinical_ner.reports.error_browser import render_error_browser
from clinical_ner.reports.masking import mask_text
from clinical_ner.tagger import Annotation
from tests.clinical_ner.reports.conftest import PATIENT, annotation, note
from tests.clinical_ner.reports.page import Page

NOTHING = Annotation((), 1, 1, 0)


def cards(page: Page) -> list[dict[str, str]]:
    return [attributes for attributes in page.attributes("article") if attributes.get("class") == "card"]


def test_error_browser_counts_outcomes_by_label(documents, annotations):
    """Correct, missed, spurious, boundary, label, in this order; a wrong label counts under gold's."""
    page = Page(render_error_browser(documents, annotations, show_note_text=True))
    assert page.rows["outcomes"][1:] == [["DISEASE", "1", "1", "0", "1", "0"], ["TREATMENT", "1", "0", "1", "0", "1"]]
    assert ["wrong label", "TREATMENT", "DISEASE", "1"] in page.rows["confusions"]
    assert ["wrong boundary", "severe asthma", "asthma", "1"] in page.rows["phrases"]


def test_error_browser_puts_the_most_frequent_confusion_first():
    """What happens most is what one looks at first."""
    notes = [note(f"n{n}", "Gout or oxygen", ("Gout", "D"), ("oxygen", "T")) for n in range(3)]
    found = [annotation(document, *([("Gout", "D", 0.9)] if n else [])) for n, document in enumerate(notes)]
    page = Page(render_error_browser(notes, found, show_note_text=False))
    assert page.rows["confusions"][1:] == [["missed", "T", "-", "3"], ["missed", "D", "-", "1"]]


def test_error_browser_shows_notes_with_errors_most_errors_first(documents, annotations):
    """A note that is all right is not shown; keys and site say which filters a note passes."""
    html = render_error_browser(documents, annotations, show_note_text=True)
    assert [card["data-site"] for card in cards(Page(html))] == ["north", "south"]
    assert cards(Page(html))[0]["data-keys"] == "boundary:0 label:0 label:1 missed:0"
    assert "Aspirin" not in html


def test_error_browser_says_how_many_notes_are_not_shown(documents, annotations):
    """Counts are of all notes, whatever the limit."""
    page = Page(render_error_browser(documents, annotations, show_note_text=True, limit=1))
    assert len(cards(page)) == 1
    assert "1 further notes with errors are not shown" in page.shown
    assert ["TREATMENT", "1", "0", "1", "0", "1"] in page.rows["outcomes"]


def test_error_browser_shows_fewer_notes_where_they_are_long(monkeypatch):
    """The page stays one that a browser opens, and shows at least one note."""
    monkeypatch.setattr(error_browser, "SHOWN_CHARACTERS", 50)
    notes = [note(f"n{n}", f"{'word ' * 8}Gout", ("Gout", "D")) for n in range(3)]
    page = Page(render_error_browser(notes, [NOTHING] * 3, show_note_text=True))
    assert len(cards(page)) == 1
    assert "2 further notes with errors are not shown" in page.shown
    monkeypatch.setattr(error_browser, "SHOWN_CHARACTERS", 1)
    assert len(cards(Page(render_error_browser(notes, [NOTHING] * 3, show_note_text=True)))) == 1


def test_error_browser_says_that_it_holds_note_text(documents, annotations):
    """The warning stands where there is note text, and only there."""
    warning = "This page contains note text: protected health information."
    open_page, masked_page = (
        Page(render_error_browser(documents, annotations, show_note_text=shown)) for shown in (True, False)
    )
    assert warning in open_page.shown
    assert PATIENT in open_page.shown
    assert warning not in masked_page.shown
    assert "Note text is masked" in masked_page.shown


def test_error_browser_without_note_text_shows_shapes(documents, annotations):
    """Of the words only their length, case and digits are left; no list of strings is made."""
    html = render_error_browser(documents, annotations, show_note_text=False)
    assert "Xxxxxxx Xxxxxxxxxxx xxx " in html
    assert "phrases" not in Page(html).rows
    assert not [word for word in ("Zebulon", "Quackenbush", "asthma", "salbutamol", "gout") if word in html]


@settings(deadline=None)  # the first page compiles its templates
@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=2, max_size=40))
def test_error_browser_without_note_text_leaves_no_run_of_letters(word):
    """Whatever a note says, its words are not in the page: it reads the same for another word of the same shape."""
    other = mask_text(word).translate(str.maketrans("Xx0", "Qq7"))
    pages = [
        render_error_browser([Document("n", f"{text} seen", (Entity(0, len(text), "D"),))], [NOTHING], show_note_text=False)
        for text in (word, other)
    ]
    assert pages[0] == pages[1]


@pytest.mark.parametrize("shown", [True, False])
def test_error_browser_runs_nothing_that_a_note_brings(shown):
    """Tags, attributes and script ends in notes, ids, labels and sites stay text."""
    attack = "</script><script>alert('x')</script>\"><img src=x onerror=alert(1)>"
    document = note(f"id{attack}", f"Gout {attack}", ("Gout", f"D{attack}"), site=attack, specialty=attack)
    page = Page(render_error_browser([document], [NOTHING], show_note_text=shown))
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert not page.attributes("img")
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert attack in page.shown


def test_error_browser_loads_nothing(documents, annotations):
    """It opens in a sandboxed frame without network, keeps nothing, and forbids itself to ask for anything."""
    html = render_error_browser(documents, annotations, show_note_text=True)
    page = Page(html)
    assert page.loads == []
    assert page.forbids_network
    assert "localStorage" not in html
    assert "cookie" not in html


def test_error_browser_offers_a_filter_for_each_outcome_label_and_site(documents, annotations):
    """Options are what occurs; labels go by number, as the keys do."""
    page = Page(render_error_browser(documents, annotations, show_note_text=True))
    values = [attributes.get("value") for attributes in page.attributes("option")]
    assert values == ["", "missed", "spurious", "boundary", "label", "", "0", "1", "", None, None]
    assert {attributes["id"] for attributes in page.attributes("select")} == {"outcome", "label", "site"}


@pytest.mark.parametrize("corpus", [[], [Document("n", "Well.")]])
def test_error_browser_without_errors_says_so(corpus):
    """No note or no entity is no error, and needs no filters."""
    page = Page(render_error_browser(corpus, [NOTHING] * len(corpus), show_note_text=True))
    assert "No note has an error." in page.shown
    assert "There are no spans." in page.shown
    assert not page.attributes("select")
