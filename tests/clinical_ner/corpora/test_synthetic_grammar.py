import re

import pytest

from clinical_ner.corpora.synthetic.dice import Dice
from clinical_ner.corpora.synthetic.grammar import Grammar, Kind, Part, load_grammar, parse_rules
from clinical_ner.corpora.synthetic.mentions import Piece, abbreviate
from clinical_ner.corpora.synthetic.noise import misspell, shorten
from clinical_ner.corpora.synthetic.notes import assemble
from clinical_ner.corpora.synthetic.patients import NEW_SPECIALTIES, SPECIALTIES
from clinical_ner.documents import Entity
from clinical_ner.errors import ConfigError


def phrases(source: str, rule: str, count: int = 600) -> list[str]:
    grammar = Grammar(parse_rules(source))
    return [grammar.phrase(rule, Dice("test", number)) for number in range(count)]


def test_rules_expand_symbols_numbers_and_nothing() -> None:
    """Names and ranges are replaced, "-" is nothing, and single spaces remain."""
    found = set(phrases("# drinks\nsize? = - | large\norder = {2..3} {size?} tea\n    | milk\n", "order"))
    assert found == {"2 tea", "3 tea", "2 large tea", "3 large tea", "milk"}


def test_weights_multiply_the_chance_of_an_alternative() -> None:
    """An alternative with "3*" comes three times as often as one without."""
    assert 400 <= phrases("a = 3* x | y", "a").count("x") <= 500


def test_a_heavy_tail_prefers_the_front() -> None:
    """With "~" earlier alternatives are more frequent, and the last ones still occur."""
    found = phrases("a ~ p | q | r | s", "a")
    assert found.count("p") > found.count("q") > found.count("r") > found.count("s") > 0


def test_mentions_stay_parts() -> None:
    """A mention is left to whoever writes it, with its mode."""
    parts = Grammar(parse_rules("a = on <b!known>\nb = x")).expand("a", Dice("test"))
    assert parts == [Part(Kind.TEXT, "on "), Part(Kind.MENTION, "b", mode="known")]


@pytest.mark.parametrize("source", ["no rule", "name: a | b", "= a"])
def test_a_line_that_is_no_rule_is_refused(source: str) -> None:
    """A damaged grammar file is refused where it is damaged."""
    with pytest.raises(ConfigError, match="not a rule"):
        parse_rules(source)


def test_a_rule_that_refers_to_none_is_refused() -> None:
    """A misspelled name is found when the grammar is loaded, not when it is first drawn."""
    with pytest.raises(ConfigError, match="rule 'a' refers to 'c', which is no rule"):
        Grammar(parse_rules("a = {c}"))


@pytest.mark.parametrize("overlay", [(), ("new_site",), ("other_style",), ("new_site", "other_style")])
def test_every_grammar_is_whole(overlay: tuple[str, ...]) -> None:
    """For each specialty and overlay every name that a rule refers to exists."""
    base = ("findings", "diseases", "treatments", "notes", "new_diseases", "new_treatments")
    for specialty in NEW_SPECIALTIES if "new_site" in overlay else SPECIALTIES:
        assert load_grammar(base + overlay, specialty)


def test_most_specific_rule_is_found_by_dropping_parts() -> None:
    """Where a kind of mention has no rule of its own, the more general one serves."""
    grammar = Grammar(parse_rules("new.a = x\nnew.a.b = y"))
    assert [grammar.most_specific(name) for name in ("new.a.b", "new.a.c", "new.a")] == ["new.a.b", "new.a", "new.a"]


def test_assemble_gives_exact_spans() -> None:
    """Spans cover their piece's text; spaces collapse, before punctuation they go, and sentences begin with a capital."""
    pieces = [
        Piece("seen for "),
        Piece("gout", "DISEASE"),
        Piece(" "),
        Piece(". "),
        Piece("aspirin", "TREATMENT"),
        Piece(" \n"),
    ]
    text, entities = assemble(pieces)
    assert text == "Seen for gout. Aspirin"
    assert entities == (Entity(9, 13, "DISEASE"), Entity(15, 22, "TREATMENT"))


def test_abbreviations_are_initials_of_the_words_that_count() -> None:
    """Two to five initials make an abbreviation; fewer, more, or others than letters make none."""
    assert abbreviate("stenosing tenosynovitis of the left wrist") == "STLW"
    assert abbreviate("gout") == abbreviate("2 week 5-FU") == abbreviate("a b c d e f") == ""


def test_misspelling_changes_long_words_a_little() -> None:
    """Every long word changes by a letter or two and keeps its first; short words and capitals stay."""
    texts = [misspell("acute MYOCARDITIS with palpitations", 1.0, Dice("test", number)) for number in range(100)]
    assert all(re.fullmatch("acute MYOCARDITIS with p[a-z]{10,12}", text) for text in texts)
    assert not any(text.endswith(" palpitations") for text in texts)
    assert misspell("palpitations", 0.0, Dice("test")) == "palpitations"


def test_shorthand_clips_words() -> None:
    """Words of the list are replaced, other long ones lose vowels, everything is lower case."""
    assert shorten("Left shoulder Thyroidectomy, daily") == "l shld thyrdctomy, daily"
