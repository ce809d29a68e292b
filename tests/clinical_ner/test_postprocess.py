import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.documents import ScoredEntity
from clinical_ner.postprocess import complete, find_abbreviations
from clinical_ner.tokenization import Tokenizer

TOKENIZER = Tokenizer()


def mention(text, words, label="DISEASE", score=0.75):
    start = text.index(words)
    return ScoredEntity(start, start + len(words), label, score)


def completed(text, *found):
    entities = complete(text, TOKENIZER.sentences(text), sorted(found))
    return [(text[entity.start : entity.end], entity.label, entity.score) for entity in entities]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("familial adenomatous polyposis (FAP)", [("FAP", "familial adenomatous polyposis")]),
        ("has familial adenomatous polyposis ( FAP ) and", [("FAP", "familial adenomatous polyposis")]),
        ("type 2 diabetes mellitus (T2DM; new)", [("T2DM", "type 2 diabetes mellitus")]),
        ("deficiency of glucose-6-phosphate dehydrogenase (G6PD)", [("G6PD", "glucose-6-phosphate dehydrogenase")]),
        ("tumours (n = 12) and gout (see below)", []),
        ("seen in the past (FAP)", []),
        ("gout (a) and (GOUTY) (", []),
        ("(FAP) familial adenomatous polyposis", []),
        ("familial forms of a rather rare disease that is the adenomatous polyposis (FAP)", []),
    ],
)
def test_abbreviation_is_found_with_the_words_that_it_stands_for(text, pairs):
    """Every letter in order, the first at a word's start, within a number of words that grows with the abbreviation."""
    found = [(text[one.short_start : one.short_end], text[one.long_start : one.long_end]) for one in find_abbreviations(text)]
    assert found == pairs


def test_abbreviation_of_a_mention_is_a_mention_everywhere():
    """Also before its definition; with label and score of the mention that defines it."""
    text = "FAP: familial adenomatous polyposis (FAP) runs in FAP families, not FAPs."
    long = mention(text, "familial adenomatous polyposis", score=0.5)
    assert completed(text, long) == [
        ("FAP", "DISEASE", 0.5),
        ("familial adenomatous polyposis", "DISEASE", 0.5),
        ("FAP", "DISEASE", 0.5),
        ("FAP", "DISEASE", 0.5),
    ]


def test_abbreviation_of_something_else_is_left_alone():
    """The definition must be the mention, whole and no more: the APC gene is no disease."""
    text = "The adenomatous polyposis coli (APC) gene. APC."
    assert completed(text, mention(text, "polyposis coli")) == [("polyposis coli", "DISEASE", 0.75)]
    assert completed(text) == []


def test_mention_is_found_again():
    """In its very words and case; whole words only; not under 4 characters; by the surer one of two labels."""
    text = "Croup. No croup, Croup! Croups. MS. MS."
    again = completed(text, mention(text, "Croup"), mention(text, "MS"))
    assert [words for words, _, _ in again] == ["Croup", "Croup", "MS"]
    text = "lithium, lithium, lithium"
    sure, unsure = ScoredEntity(9, 16, "DRUG", 0.9), ScoredEntity(0, 7, "DISEASE", 0.6)
    assert completed(text, unsure, sure) == [("lithium", "DISEASE", 0.6), ("lithium", "DRUG", 0.9), ("lithium", "DRUG", 0.9)]


def test_tokens_that_are_taken_stay_as_they_are():
    """What the CRF found is never changed, cut or covered."""
    text = "asthma, severe asthma attack, asthma"
    found = [mention(text, "asthma"), mention(text, "severe asthma attack", "EVENT", 0.4)]
    assert completed(text, *found) == [
        ("asthma", "DISEASE", 0.75),
        ("severe asthma attack", "EVENT", 0.4),
        ("asthma", "DISEASE", 0.75),
    ]


@st.composite
def notes_with_mentions(draw):
    text = draw(st.text(alphabet="abcAB ().;,\n", max_size=80))
    entities, free = [], 0
    for sentence in TOKENIZER.sentences(text):
        for position, token in enumerate(sentence):
            if token.start >= free and draw(st.integers(0, 3)) == 0:
                last = sentence[min(position + draw(st.integers(0, 2)), len(sentence) - 1)]
                entities.append(ScoredEntity(token.start, last.end, draw(st.sampled_from("DT")), draw(st.floats(0, 1))))
                free = last.end
    return text, entities


@given(notes_with_mentions())
def test_completion_only_adds(case):
    """What was found stays; all is sorted and apart, on token ends, and says what a found mention's words or definition say."""
    text, found = case
    sentences = TOKENIZER.sentences(text)
    everything = complete(text, sentences, found)
    assert everything == sorted(everything)
    assert set(found) <= set(everything)
    assert all(one.end <= other.start for one, other in pairwise(everything))
    starts = {token.start for sentence in sentences for token in sentence}
    ends = {token.end for sentence in sentences for token in sentence}
    assert all(entity.start in starts and entity.end in ends for entity in everything)
    assert {(entity.label, entity.score) for entity in everything} == {(entity.label, entity.score) for entity in found}
    assert complete(text, sentences, everything) == everything


@pytest.mark.parametrize("part", ["(", "(ab", "(a b) ", "aaaa ", "( ", "ab (ab) ", "apple pie (AP) "])
def test_time_grows_with_the_note_only(part):
    """Half a megabyte of what looks like definitions takes seconds, not hours."""
    text = part * (500_000 // len(part))
    tokens = [TOKENIZER.tokens(text)]
    found = [ScoredEntity(token.start, token.end, "D", 0.5) for token in tokens[0][::2]]
    started = time.process_time()
    complete(text, tokens, found)
    assert time.process_time() - started < 20
