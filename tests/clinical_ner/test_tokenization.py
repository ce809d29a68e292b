import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clinical_ner.tokenization import MAX_SENTENCE_TOKENS, Tokenizer, split_sentences

TOKENIZER = Tokenizer()
AWKWARD = "a1.,;:!?_-'/() \t\n\r\0\x0b\x1c\x85\xa0\xad\u0301\u200b\u200d\u2028\u202e\u3000\ufeff\ufffeIßİ中\U0001f600\U00020000"
texts = st.one_of(st.text(), st.text(alphabet=AWKWARD))


@given(texts)
@example("e\u0301 \U0001f468\u200d\U0001f469 a\0b \u202eabc\u202c x\r\ny\ufeff")
def test_tokens_cover_all_but_white_space_at_exact_offsets(text):
    """For any Unicode string: offsets rebuild each token, tokens are ordered, and only white space lies between them."""
    end = 0
    for token in TOKENIZER.tokens(text):
        assert text[token.start : token.end] == token.text != ""
        assert len(token.text.split()) == 1
        assert token.text == token.text.strip()
        assert not text[end : token.start].strip()
        assert end <= token.start
        end = token.end
    assert not text[end:].strip()


@given(texts)
def test_sentences_partition_the_tokens(text):
    """Every token stands in exactly one sentence, in order, and no sentence is empty."""
    tokens, sentences = TOKENIZER.tokens(text), TOKENIZER.sentences(text)
    assert all(sentences)
    assert [token for sentence in sentences for token in sentence] == tokens
    assert split_sentences(text, tokens) == sentences


@pytest.mark.parametrize("text", ["", " ", "\n\r\n\t", "\xa0\u3000\u2028"])
def test_white_space_has_no_sentences(text):
    """A text without words is no error."""
    assert TOKENIZER.tokens(text) == TOKENIZER.sentences(text) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Crohn's", "Crohn ' s"),
        ("beta-blocker", "beta - blocker"),
        ("BP 120/80mmHg", "BP 120 / 80mmHg"),
        ("0.5mg, 1,000 IU", "0.5mg , 1,000 IU"),
        ("5. 5.", "5 . 5 ."),
        ("snake_case", "snake _ case"),
        ("(T2DM).", "( T2DM ) ."),
        ("e.g. 3x/d", "e . g . 3x / d"),
        ("x:)", "x : )"),
        ("http://a.b", "http : / / a . b"),
        ("cannot gonna", "cannot gonna"),
    ],
)
def test_tokens_split_at_punctuation_but_not_inside_numbers(text, words):
    """Annotated spans end at any punctuation mark; no web address, smiley or contraction is special."""
    assert [token.text for token in TOKENIZER.tokens(text)] == words.split()


@pytest.mark.parametrize(
    "text",
    [
        "He has gout.|She has asthma.",
        "Pain?|Yes!|No pain.",
        "seen by Dr. Smith today",
        "J. Smith came.|A. Jones left.",
        "given b.i.d. Then stopped",
        "takes 5 mg. daily",
        "BP 120.5 mmHg",
        "Plan:\n|start aspirin",
        "Diagnosis\n|Asthma",
        "a wrapped\nline goes on",
        "a wrapped\r\nline goes on",
        "a wrapped\rline goes on",
        "first part;\n|second part",
        "no end\n\n|but a blank line",
        "done.\n|next",
        "done.\r|next",
        "old Mac\r|Lines",
        "see\u2028other",
        "end.) Next",
        "He came . |Then left",
        "Hx. of gout vs. Asthma",
        "dose no. 5",
        "st. John",
        "50 %.|20 mg",
    ],
)
def test_sentences_end_where_the_rules_say(text):
    """``|`` marks where a sentence starts; abbreviations, initials, numbers and wrapped lines start none."""
    expected = [[token.text for token in TOKENIZER.tokens(part)] for part in text.split("|")]
    plain = text.replace("|", "" if "\n" in text or "\r" in text or ". |" in text else " ")
    assert [[token.text for token in sentence] for sentence in TOKENIZER.sentences(plain)] == expected


def test_memory_stays_bounded_without_changing_the_tokens():
    """Strings that spaCy keeps are let go at the limit; a tokenizer that has just done so splits as before."""
    small = Tokenizer(max_strings=5_000)
    first = small._tokenize
    for number in range(60):
        note = " ".join(f"word{number}x{word}-{number}.5" for word in range(100))
        assert small.tokens(note) == TOKENIZER.tokens(note)
        assert len(small._tokenize.vocab.strings) < 5_000 + 500
    assert small._tokenize is not first


def test_tokenizer_is_kept_below_the_limit():
    """Starting afresh costs milliseconds: it happens at the limit only."""
    tokenizer = Tokenizer()
    before = tokenizer._tokenize
    tokenizer.tokens("gout and asthma")
    assert tokenizer._tokenize is before


@given(st.one_of(texts, st.text(alphabet="ab1 2.,_-('\u0301\xe9\n", max_size=40)))
def test_long_runs_are_split_as_spacy_splits(text):
    """A text with a run too long for spaCy gets the tokens that spaCy gives its parts."""
    run = " " + "ab1.5(" * 60 + " "
    tokens = [token.text for token in TOKENIZER.tokens(text + run)]
    assert tokens == [token.text for token in TOKENIZER.tokens(text)] + ["ab1.5", "("] * 60


def test_hostile_runs_take_linear_time_and_short_sentences():
    """200,000 brackets without white space are tokenized in moments, and no sentence is longer than the limit."""
    sentences = Tokenizer().sentences("(" * 200_000)
    assert sum(map(len, sentences)) == 200_000
    assert max(map(len, sentences)) == MAX_SENTENCE_TOKENS
