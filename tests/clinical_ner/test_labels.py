from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.documents import Entity, Token
from clinical_ner.labels import TokenSpan, decode, encode, to_bioes

LABELS = st.sampled_from(["DISEASE", "TREATMENT", "B-", "I-x", "é"])


def sentences_of(sizes, gaps):
    """Sentences of that many tokens, each token 2 code points long, with a gap of 0 or 1 before it."""
    sentences, position, gaps = [], 0, iter(gaps)
    for size in sizes:
        sentences.append([])
        for _ in range(size):
            position += next(gaps)
            sentences[-1].append(Token("xx", position, position + 2))
            position += 2
    return sentences


@st.composite
def token_grids(draw):
    sizes = draw(st.lists(st.integers(1, 6), max_size=4))
    return sentences_of(sizes, draw(st.lists(st.integers(0, 1), min_size=sum(sizes), max_size=sum(sizes))))


@st.composite
def expressible(draw):
    """Sentences with spans that BIO can express: on token ends, within a sentence, not overlapping."""
    sentences, spans = draw(token_grids()), []
    for sentence in sentences:
        cuts = sorted(draw(st.sets(st.integers(0, len(sentence)))))
        for first, last in pairwise(cuts):
            if draw(st.booleans()):
                spans.append(TokenSpan(first, last, draw(LABELS)).entity(sentence))
    return sentences, spans


def decoded(sentences, tags):
    return [span.entity(s) for s, row in zip(sentences, tags, strict=True) for span in decode(row)]


@given(expressible())
def test_bio_round_trip_gives_the_same_entities(case):
    """Entities that lie on token ends and do not overlap come back from their tags as they were."""
    sentences, entities = case
    tags, unalignable = encode(sentences, entities)
    assert unalignable == []
    assert decoded(sentences, tags) == sorted(entities)


@given(expressible())
def test_bioes_has_the_same_spans(case):
    """The last token of a span says so, a single one too; read back, the spans are those of the BIO tags."""
    sentences, entities = case
    for row in encode(sentences, entities).tags:
        bioes = to_bioes(row)
        assert decode(bioes) == decode(row)
        ends = [span.last for span in decode(row)]
        assert [position + 1 for position, tag in enumerate(bioes) if tag[:2] in {"E-", "S-"}] == ends


def test_end_and_single_tags_close_their_span():
    """Whatever follows them opens another one, as in IOB1 files; an orphan E- is a span of one token."""
    assert to_bioes(["B-D", "I-D", "I-D", "O", "B-D"]) == ["B-D", "I-D", "E-D", "O", "S-D"]
    assert decode(["B-D", "E-D", "I-D", "S-D", "I-D", "O", "E-D"]) == [
        TokenSpan(0, 2, "D"),
        TokenSpan(2, 3, "D"),
        TokenSpan(3, 4, "D"),
        TokenSpan(4, 5, "D"),
        TokenSpan(6, 7, "D"),
    ]


@given(token_grids(), st.lists(st.builds(Entity, st.integers(-1, 40), st.integers(-1, 40), LABELS)))
def test_every_entity_is_expressed_or_unalignable(sentences, entities):
    """Whatever the spans, overlapping, repeated, empty or outside: none is lost, moved or made up."""
    tags, unalignable = encode(sentences, entities)
    assert [len(row) for row in tags] == [len(sentence) for sentence in sentences]
    assert sorted(decoded(sentences, tags) + unalignable) == sorted(entities)
    assert unalignable == sorted(unalignable)


def test_span_inside_a_token_or_across_sentences_is_unalignable():
    """A span is never moved to where a tag could express it."""
    sentences = sentences_of([2, 2], [0, 1, 1, 1])  # 0-2 3-5 | 6-8 9-11
    outside = [Entity(0, 1, "D"), Entity(0, 3, "D"), Entity(1, 2, "D"), Entity(3, 8, "D")]
    assert encode(sentences, outside) == ([["O", "O"], ["O", "O"]], outside)
    assert encode(sentences, [Entity(0, 5, "D"), Entity(9, 11, "T")]).tags == [["B-D", "I-D"], ["O", "B-T"]]


def test_empty_span_between_touching_tokens_is_unalignable():
    """A span of no length names no token, even where one ends and the next starts."""
    assert encode(sentences_of([2], [0, 0]), [Entity(2, 2, "D")]).unalignable == [Entity(2, 2, "D")]


def test_longest_of_overlapping_entities_is_expressed():
    """Of equally long ones it is the first, whatever the order they come in."""
    sentences = sentences_of([4], [0, 1, 1, 1])  # 0-2 3-5 6-8 9-11
    long, short, tie = Entity(3, 11, "D"), Entity(0, 5, "T"), Entity(0, 8, "A")
    for given_order in ([long, short, tie], [tie, short, long]):
        assert encode(sentences, given_order) == ([["B-A", "I-A", "I-A", "O"]], [short, long])
    assert encode(sentences, [short, long]) == ([["O", "B-D", "I-D", "I-D"]], [short])


def test_inside_tag_that_continues_nothing_opens_a_span():
    """As conlleval reads it: after O, after another label and at the start."""
    assert decode(["I-D", "I-D", "I-T", "O", "I-T", "B-T"]) == [
        TokenSpan(0, 2, "D"),
        TokenSpan(2, 3, "T"),
        TokenSpan(4, 5, "T"),
        TokenSpan(5, 6, "T"),
    ]
    assert decode([]) == decode(["O"]) == []


def test_touching_spans_of_one_label_stay_apart():
    """B- opens a new span even right behind one of its own label."""
    assert decode(["B-D", "B-D", "I-D"]) == [TokenSpan(0, 1, "D"), TokenSpan(1, 3, "D")]
