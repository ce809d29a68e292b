from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from clinical_ner.documents import Entity
from clinical_ner.evaluation.matching import match_spans
from clinical_ner.reports.highlighting import highlight

LABELS = {"A": 0, "B": 1}
TEXT = st.text(alphabet=st.sampled_from(list("ab <>&\"'{}\n\t😀é")), min_size=1, max_size=30)


class Marked(HTMLParser):
    """The note's characters in order, each with the classes of the mark around it; ``tags`` are the words put in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.characters: list[tuple[str, frozenset[str]]] = []
        self.tags: list[str] = []
        self._classes: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag == "br":
            self.characters.append(("\n", frozenset()))
        else:
            self._classes.append(dict(attrs).get("class") or "")

    def handle_endtag(self, tag):
        self._classes.pop()

    def handle_data(self, data):
        classes = frozenset(" ".join(self._classes).split())
        if "tag" in classes:
            self.tags.append(data)
        elif self._classes:
            self.characters += [(character, classes) for character in data]


@st.composite
def notes(draw):
    """A text with any spans over it, gold and predicted, overlapping as they like."""
    text = draw(TEXT)
    bounds = st.integers(0, len(text)).flatmap(lambda start: st.tuples(st.just(start), st.integers(start, len(text))))
    spans = st.lists(st.builds(lambda pair, label: Entity(*pair, label), bounds, st.sampled_from("AB")), max_size=5)
    keep = lambda found: sorted({span for span in found if span.start < span.end})  # noqa: E731
    return text, keep(draw(spans)), keep(draw(spans))


@settings(deadline=None)
@given(notes())
def test_highlight_shows_the_whole_text_and_marks_exactly_the_spans(note):
    """Whatever overlaps whatever, the text comes through unchanged and each character says which side covers it."""
    text, gold, predicted = note
    marked = Marked(highlight(text, match_spans(gold, predicted), {}, LABELS))
    assert "".join(character for character, _ in marked.characters) == text
    for position, (character, classes) in enumerate(marked.characters):
        if character == "\n" and not classes:
            continue
        assert ("gold" in classes) == any(span.start <= position < span.end for span in gold)
        assert ("predicted" in classes) == any(span.start <= position < span.end for span in predicted)


@settings(deadline=None)
@given(notes())
def test_highlight_names_every_match_once(note):
    """As many tags as matches: none is drawn over another."""
    text, gold, predicted = note
    matches = match_spans(gold, predicted)
    assert len(Marked(highlight(text, matches, {}, LABELS)).tags) == len(matches)


def test_highlight_names_the_outcome_and_the_score():
    """Each outcome reads as a person would say it."""
    gold = [Entity(0, 1, "A"), Entity(2, 3, "A"), Entity(4, 6, "A"), Entity(8, 9, "A")]
    predicted = [Entity(0, 1, "A"), Entity(2, 3, "B"), Entity(5, 6, "A"), Entity(7, 8, "B")]
    scores = dict(zip(predicted, (0.9, 0.8, 0.7, 0.6), strict=True))
    tags = Marked(highlight("0123456789", match_spans(gold, predicted), scores, LABELS)).tags
    assert tags == ["A 0.90", "A read as B 0.80", "boundary A 0.70", "spurious B 0.60", "missed A"]


def test_highlight_escapes_text_and_labels():
    """Neither a note nor a label can put an element into the page; braces mean nothing."""
    html = highlight("<script>{0}</script>", match_spans([Entity(0, 8, "<i>{x}")], []), {}, {"<i>{x}": 0})
    assert "<script" not in html
    assert "<i>" not in html
    assert Marked(html).tags == ["missed <i>{x}"]


def test_highlight_replaces_control_characters_one_for_one():
    """A NUL is no text to a browser, a carriage return would be a second line break; offsets stay."""
    marked = Marked(highlight("a\x00b\r\nc", match_spans([], [Entity(5, 6, "A")]), {}, LABELS))
    assert "".join(character for character, _ in marked.characters) == "a\ufffdb \nc"
    assert "predicted" in marked.characters[5][1]


def test_highlight_gives_a_nested_span_its_own_outcome():
    """A missed span within a correct one shows as missed, the rest of the outer one as correct."""
    outer, inner = Entity(0, 6, "A"), Entity(2, 4, "B")
    characters = Marked(highlight("abcdef", match_spans([outer, inner], [outer]), {}, LABELS)).characters
    outcomes = [next(iter(classes & {"correct", "missed"})) for _, classes in characters]
    assert outcomes == ["correct"] * 2 + ["missed"] * 2 + ["correct"] * 2
