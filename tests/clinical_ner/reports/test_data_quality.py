import pytest

from clinical_ner.corpora.records import BadRecord
from clinical_ner.documents import Document
from clinical_ner.reports.data_quality import LISTED_VALUES, render_data_quality, summarize_data
from clinical_ner.splitting import Split
from tests.clinical_ner.reports.conftest import PATIENT, note
from tests.clinical_ner.reports.page import Page


def test_data_quality_page_shows_labels_parts_and_bad_records(documents):
    """Every number of the summary has its row."""
    bad = [BadRecord("notes.jsonl", 1234, "text: empty", b"raw")]
    page = Page(render_data_quality(summarize_data(documents, bad, Split(documents[:1], documents[1:2], documents[2:]))))
    assert page.rows["labels"][1:] == [
        ["DISEASE", "", "3", "2", "3", "0", "100.0 %"],
        ["TREATMENT", "", "2", "2", "2", "0", "100.0 %"],
    ]
    assert page.rows["parts"][1:] == [
        ["train", "1", "1", "2", "1", "-"],
        ["dev", "1", "1", "1", "1", "0.0 %"],
        ["test", "1", "1", "0", "0", "-"],
    ]
    assert page.rows["bad-records"][1:] == [["notes.jsonl", "1,234", "text: empty"]]
    assert ["Documents without entities", "1"] in page.rows["texts"]
    assert page.rows["metadata-site"] == [["south", "", "2", "66.7 %"], ["north", "", "1", "33.3 %"]]
    assert "The test part has no DISEASE." in page.shown


def test_data_quality_page_shows_no_note_text(documents):
    """The marked patient, entity strings and the raw bytes of bad records stay out."""
    html = render_data_quality(summarize_data(documents, [BadRecord("f", 1, "text: empty", PATIENT.encode())]))
    assert not [word for word in ("Zebulon", "Quackenbush", "asthma", "Aspirin", "salbutamol") if word in html]


def test_data_quality_page_loads_nothing(documents):
    """It opens in a sandboxed frame without network, and forbids itself to ask for anything."""
    page = Page(render_data_quality(summarize_data(documents)))
    assert page.loads == []
    assert page.forbids_network


def test_data_quality_page_escapes_names_of_files_labels_and_sites():
    """A site called like a tag is text."""
    document = note("n", "Gout", ("Gout", "<u>D"), site="<script>alert(1)</script>")
    page = Page(render_data_quality(summarize_data([document], [BadRecord("<u>f", 1, "<u>r", b"")])))
    assert not [tag for tag, _ in page.elements if tag in {"script", "u"}]
    assert page.rows["labels"][1][0] == "<u>D"
    assert page.rows["bad-records"][1] == ["<u>f", "1", "<u>r"]
    assert page.rows["metadata-site"][0][0] == "<script>alert(1)</script>"


@pytest.mark.parametrize("corpus", [[], [Document("n", "Well.")], [note("n", "Gout", ("Gout", "D"))]])
def test_data_quality_page_works_for_the_smallest_corpora(corpus):
    """No document, no entity, one of each."""
    page = Page(render_data_quality(summarize_data(corpus)))
    assert f"{len(corpus)}documents" in "".join(page.shown.split())


def test_data_quality_page_sums_the_values_beyond_the_most_frequent():
    """A corpus with a hundred sites has a short list, and nothing of it is left out of the sum."""
    page = Page(
        render_data_quality(summarize_data([Document(f"n{n}", f"Note {n}", (), {"site": f"s{n}"}) for n in range(100)]))
    )
    rows = page.rows["metadata-site"]
    assert len(rows) == LISTED_VALUES + 1
    assert rows[-1] == [f"({100 - LISTED_VALUES} others)", "", "88", "88.0 %"]
    assert sum(int(row[2]) for row in rows) == 100
