import os
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clinical_ner.errors import ConfigError
from clinical_ner.features import GROUPS, FeatureSpec, extract, shape
from clinical_ner.gazetteer import Gazetteer
from clinical_ner.tokenization import Tokenizer

GOLDENS = Path(__file__).parents[1] / "golden" / "features"
TOKENIZER = Tokenizer()
SPECS = {
    "all": FeatureSpec(),
    **{group: FeatureSpec(groups=(group,)) for group in GROUPS},
    "window-1": FeatureSpec(groups=("context",), window=1),
    "window-4": FeatureSpec(groups=("context",), window=4),
}
NOTE = "Pt. with T2DM, Crohn's disease; ẞ-blocker 12.5mg \N{GRINNING FACE} p.o.\nNEW: β-Thalassämie?\u0301 \0 中文 iPhone B12"
GAZETTEER = Gazetteer.from_terms({"disease": ["diabetes", "Crohn's disease", "T2DM"], "drug": ["metoprolol", "β-blockers"]})
MARKS = {
    "word": ("w=",),
    "shape": ("shape=", "kind="),
    "affix": ("pre=", "suf="),
    "ngram": ("ng=",),
    "context": tuple(f"{offset:+d}{what}" for offset in (-2, -1, 1, 2) for what in ("w=", "shape=", "suf=")),
    "bigram": ("-1|0=", "-1|0suf=", "0|+1=", "0|+1suf="),
    "position": ("BOS", "EOS"),
    "gazetteer": ("g=", "gh=", "gi=", "-1g", "+1g"),
}


@pytest.mark.parametrize("name", SPECS)
def test_features_equal_the_golden_file(name):
    """Features are part of every stored model: a change of them is a new kind of model, made on purpose.

    Refresh with ``CLINICAL_NER_UPDATE_GOLDENS=1``.
    """
    path = GOLDENS / f"{name}.json"
    sentences = [[token.text for token in sentence] for sentence in TOKENIZER.sentences(NOTE)]
    found = [{"words": words, "features": extract(words, SPECS[name], GAZETTEER)} for words in sentences]
    if os.environ.get("CLINICAL_NER_UPDATE_GOLDENS") == "1":
        path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    assert found == orjson.loads(path.read_bytes())


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_alone_adds_its_own_features(group):
    """Groups neither need nor contain one another; all together are the sum of each."""
    words = ["New", "diabetes", "12.5", "?", "Metoprolol"]
    alone = extract(words, FeatureSpec(groups=(group,)), GAZETTEER)
    assert all(row[0] == "bias" for row in alone)
    added = [set(row[1:]) for row in alone]
    assert any(added)
    assert all(feature.startswith(MARKS[group]) for row in added for feature in row)
    others = tuple(other for other in GROUPS if other != group)
    rest = extract(words, FeatureSpec(groups=others), GAZETTEER)
    for whole, row, remaining in zip(extract(words, FeatureSpec(), GAZETTEER), added, rest, strict=True):
        assert set(whole) - set(remaining) == row


@given(st.text(), st.sampled_from(sorted(SPECS)))
def test_features_are_distinct_and_one_list_a_word(text, name):
    """The CRF counts a feature once; a repeated one would weigh double."""
    for sentence in TOKENIZER.sentences(text):
        words = [token.text for token in sentence]
        rows = extract(words, SPECS[name], GAZETTEER)
        assert len(rows) == len(words)
        assert all(len(set(row)) == len(row) for row in rows)


def test_features_do_not_depend_on_what_was_extracted_before():
    """Words are cached; the cache keeps specifications apart and hands out nothing that callers can change."""
    words = ["gout", "Gout"]
    first = extract(words, FeatureSpec())
    extract(words, FeatureSpec(groups=("word",)))[0].append("changed")
    extract(words, FeatureSpec())[0].append("changed")
    assert extract(words, FeatureSpec()) == first


def test_context_ends_at_the_window_and_at_the_sentence():
    """A window of n sees n words to each side, and none beyond the sentence's ends."""
    words = list("abcdef")
    for window in (1, 2, 4):
        row = extract(words, FeatureSpec(groups=("context",), window=window))[2]
        seen = {feature for feature in row if "w=" in feature}
        expected = {f"{n - 2:+d}w={word}" for n, word in enumerate(words) if n != 2 and abs(n - 2) <= window}
        assert seen == expected


def test_ngrams_are_those_of_the_marked_word():
    """Runs of 3 and 4 characters with ^ and $ for the word's ends; of an overlong word only its beginning."""
    (row,) = extract(["Gout"], FeatureSpec(groups=("ngram",)))
    assert row == ["bias", *(f"ng={gram}" for gram in ("^go", "gou", "out", "ut$", "^gou", "gout", "out$"))]
    (long_row,) = extract(["abcdefghij" * 1000], FeatureSpec(groups=("ngram",)))
    assert len(long_row) < 130


def test_no_words_have_no_features():
    """An empty sentence gives an empty list under every specification."""
    assert all(extract([], spec) == [] for spec in SPECS.values())


def test_single_word_is_first_and_last():
    """A sentence of one word opens and ends it."""
    assert extract(["gout"], FeatureSpec(groups=("position",))) == [["bias", "BOS", "EOS"]]


@pytest.mark.parametrize(
    ("word", "pattern"),
    [
        ("Crohn", "Xx"),
        ("B12", "Xd"),
        ("COPD", "XX"),
        ("mg", "x"),
        ("pH", "xXx"),
        ("12.5", "d.d"),
        ("x1y2z3w4a5b6c7", "xdxdxdxdxdxd"),
    ],
)
def test_shape_shows_case_digits_and_marks(word, pattern):
    """Runs are collapsed, and a pattern has at most 12 characters."""
    assert shape(word) == pattern


@pytest.mark.parametrize("text", ["wurst", "word,wurst", "", ",", "all,word", "WORD"])
def test_unknown_group_is_refused_with_the_known_ones(text):
    """The message says what was given, and every group that there is."""
    with pytest.raises(ConfigError) as caught:
        FeatureSpec.parse(text)
    assert all(group in str(caught.value) for group in (*GROUPS, "'all'", "feature_groups", repr(text)))


def test_groups_are_read_in_any_order_and_kept_in_one():
    """The same groups are the same specification, and so give the same digest."""
    assert FeatureSpec.parse(" shape, word,,word") == FeatureSpec(groups=("word", "shape"))
    assert FeatureSpec.parse("all") == FeatureSpec.parse(",".join(reversed(GROUPS))) == FeatureSpec()


@pytest.mark.parametrize("fields", [{"window": 0}, {"window": 5}, {"groups": []}, {"groups": ["wurst"]}, {"stem": True}])
def test_stored_specification_out_of_range_is_refused(fields):
    """A specification of another release is not guessed at."""
    with pytest.raises(ValidationError):
        FeatureSpec.model_validate(fields)
