from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from clinical_ner.reports.theme import code, decimals, escape_markdown, percent
from tests.clinical_ner.reports.markdown_tables import html, tables

LINE = st.text(alphabet=st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(list("|\\`*_<>&;#[]!~() ")))


@settings(deadline=None)
@given(LINE)
def test_escape_markdown_shows_any_value_as_it_is(value):
    """Whatever a value holds, a renderer shows it in its one cell, and nothing of it acts as Markdown or HTML."""
    ((_, row),) = tables(f"| a | b |\n|---|---|\n| {escape_markdown(value)} | end |\n")
    assert row == [" ".join(value.split(" ")).strip(), "end"]


@settings(deadline=None)
@given(LINE)
def test_code_shows_any_value_in_one_cell(value):
    """A code span neither ends early nor splits the row."""
    ((_, row),) = tables(f"| a | b |\n|---|---|\n| {code(value)} | end |\n")
    assert row[1:] == ["end"]
    assert row[0] == (" ".join(value.replace("`", "'").split()) or "-")


def test_escape_markdown_stops_tags():
    """A tag in a value is text, not an element."""
    assert "<script" not in html(escape_markdown("<script>alert(1)</script>"))


def test_escape_markdown_passes_markup_of_templates():
    """What a report writes as Markdown on purpose stays Markdown."""
    assert escape_markdown(Markup("**fail**")) == "**fail**"


def test_percent_never_rounds_to_all_or_nothing():
    """A ceiling just below 1 does not read as 100 %, one span of many not as 0."""
    assert percent(0.99999) == "> 99.9 %"
    assert percent(0.00001) == "< 0.1 %"
    assert [percent(0), percent(0.5), percent(1)] == ["0.0 %", "50.0 %", "100.0 %"]


def test_decimals_shows_what_is_missing_as_a_dash():
    """An interval that was not computed is not 0."""
    assert [decimals(None), decimals(0.12345), decimals(2, 1)] == ["-", "0.123", "2.0"]
