from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.documents import Document, Entity
from clinical_ner.errors import ConfigError, TooLittleData
from clinical_ner.splitting import PARTS, SplitRule, split_documents, text_key

RULE = SplitRule(seed=7, dev_fraction=0.2, test_fraction=0.3)


def note(number, text="", group=""):
    text = text or f"gout {number}"
    return Document(f"n{number}", text, (Entity(0, 4, "D"),), {"group_id": group or f"p{number}"})


def notes_in(part, count, *, rule=RULE, start=0, text=None):
    """``count`` notes that the rule puts into ``part``."""
    numbers = (number for number in range(start, start + 10_000) if rule.part_of(note(number)) == part)
    return [note(next(numbers), text(position) if text else "") for position in range(count)]


def parts_of(split):
    return {document.id: name for name in PARTS for document in getattr(split, name)}


def keys_of(split, part):
    return {text_key(document.text) for document in getattr(split, part)}


def test_adding_documents_moves_none_of_the_old():
    """With a fifth more documents, every old one is in the part that it was in."""
    documents = synthesize(240, seed=5)
    for seed in range(3):
        rule = SplitRule(seed=seed)
        before, after = parts_of(split_documents(documents[:200], rule)), parts_of(split_documents(documents, rule))
        assert {identifier: after.get(identifier) for identifier in before} == before
        assert len(after) > len(before)


@given(st.data())
def test_added_documents_move_no_old_one_whatever_they_say(data):
    """An old document leaves only for the duplicates, and only because an added one has its text."""
    anchors = [document for part in PARTS for document in notes_in(part, 1)]
    words = st.sampled_from(["gout", "gout a", "gout b", "gout  a"])
    drawn = st.lists(st.tuples(st.integers(0, 60), words), max_size=25)
    old = anchors + [note(1000 + i, text, f"g{group}") for i, (group, text) in enumerate(data.draw(drawn))]
    new = [note(2000 + i, text, f"g{group}") for i, (group, text) in enumerate(data.draw(drawn))]
    before, split = split_documents(old, RULE), split_documents(old + new, RULE)
    after, added = parts_of(split), {text_key(document.text) for document in new}
    for name in PARTS:
        for document in getattr(before, name):
            assert after.get(document.id, "left") == name or (document in split.duplicates and text_key(document.text) in added)
    kept = [document for name in PARTS for document in getattr(split, name)]
    assert sorted(document.id for document in [*kept, *split.duplicates]) == sorted(document.id for document in old + new)
    for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert not keys_of(split, one) & keys_of(split, other)


def test_equal_texts_are_kept_in_the_first_of_test_dev_train():
    """White space does not make another text; those left out are returned, and equal ones within a part stay."""
    same = ["gout  and", "gout and", " gout\nand"]
    train, dev, test = (notes_in(part, 2, start=5000, text=lambda n: same[n]) for part in ("train", "dev", "test"))
    others = [document for part in PARTS for document in notes_in(part, 1)]
    split = split_documents([*train, *dev, *test, *others], RULE)
    assert split.test[:2] == test
    assert split.duplicates == [*dev, *train]
    split = split_documents([*train, *dev, *others], RULE)
    assert (split.dev[:2], split.duplicates) == (dev, train)


@pytest.mark.parametrize(("dev", "test"), [(0.15, 0.15), (0.1, 0.4), (0.5, 0.05), (0.2, 0.0)])
def test_fractions_are_of_groups(dev, test):
    """Of many groups each part gets its share; the rest trains."""
    rule = SplitRule(seed=1, dev_fraction=dev, test_fraction=test)
    parts = [rule.part_of(note(number)) for number in range(4000)]
    for part, share in (("dev", dev), ("test", test), ("train", 1 - dev - test)):
        assert parts.count(part) / 4000 == pytest.approx(share, abs=0.03)


def test_notes_of_one_patient_stay_together():
    """No patient is in two parts, and a note without a patient goes by its own id."""
    split, groups = split_documents(synthesize(300, seed=2), SplitRule(seed=3)), defaultdict(set)
    for name in PARTS:
        for document in getattr(split, name):
            groups[document.group].add(name)
    assert {len(names) for names in groups.values()} == {1}
    assert {name for names in groups.values() for name in names} == set(PARTS)
    alone = [Document(str(number), "gout") for number in range(100)]
    assert {RULE.part_of(document) for document in alone} == set(PARTS)


def test_membership_is_fixed_for_ever():
    """Which part a group is in never changes between releases: champions are judged on what they were not trained on."""
    letters = {"test": "T", "dev": "D", "train": "."}
    assert "".join(letters[RULE.part_of(note(number))] for number in range(24)) == "....T..D..T.......TT...."


def test_another_seed_is_another_split():
    """The seed decides, and nothing else of the rule moves a document from train to another part by chance."""
    notes = [note(number) for number in range(200)]
    other = SplitRule(seed=8, dev_fraction=0.2, test_fraction=0.3)
    moved = sum(RULE.part_of(document) != other.part_of(document) for document in notes)
    assert 80 < moved < 160
    wider = SplitRule(seed=7, dev_fraction=0.3, test_fraction=0.3)
    assert all(wider.part_of(document) == RULE.part_of(document) for document in notes if RULE.part_of(document) != "train")


def test_explicit_test_set_replaces_the_test_part():
    """What would have been the test part trains instead, and no text of the given set is trained on."""
    documents = [note(number) for number in range(100)]
    given_test = [note(1, group="elsewhere"), Document("t", "asthma", (Entity(0, 6, "D"),))]
    split = split_documents(documents, RULE, test=given_test)
    assert split.test == given_test
    assert split.duplicates == [documents[1]]
    expected = [document for document in documents if document.id != "n1" and RULE.part_of(document) != "dev"]
    assert split.train == expected


def test_corpus_too_small_to_split_is_refused_by_part():
    """An empty part, and one without an entity, is named with what to do."""
    dev, test = notes_in("dev", 1), notes_in("test", 1)
    with pytest.raises(TooLittleData, match=r"the train part got no document of 2 in all.*test_corpus_uri"):
        split_documents([*dev, *test], RULE)
    empty = [Document("n1000000", "nothing", metadata=document.metadata) for document in dev]
    with pytest.raises(TooLittleData, match=r"the dev part got 1 documents, none with an entity of 3"):
        split_documents([*notes_in("train", 1), *empty, *test], RULE)
    with pytest.raises(TooLittleData, match="train part got no document of 0"):
        split_documents([], RULE)


@pytest.mark.parametrize(
    ("dev", "test", "problem"),
    [
        (0.0, 0.1, r"^dev_fraction: fractions lie between 0 and 1 \(got 0.0 and 0.1\)"),
        (1.0, 0.1, "^dev_fraction: "),
        (0.1, -0.1, "^test_fraction: "),
        (float("nan"), 0.1, "^dev_fraction: "),
        (2.0, 2.0, "^dev_fraction, test_fraction: "),
        (0.5, 0.5, "= 1 leaves nothing to train on"),
        (0.7, 0.6, "= 1.3 leaves nothing to train on"),
    ],
)
def test_impossible_fractions_are_refused_by_name(dev, test, problem):
    """Each fraction out of range is named, and so are two that leave nothing to train on."""
    with pytest.raises(ConfigError, match=problem):
        SplitRule.checked(seed=0, dev_fraction=dev, test_fraction=test)


def test_possible_fractions_are_accepted():
    """No test part at all is possible, with an explicit test set."""
    assert SplitRule.checked(seed=3, dev_fraction=0.2, test_fraction=0.0) == SplitRule(
        seed=3, dev_fraction=0.2, test_fraction=0
    )


@given(st.text(alphabet=st.characters()))
def test_text_key_sees_everything_but_white_space(text):
    """Notes copied with other line ends are the same note; the key holds no text."""
    assert text_key(text) == text_key(f"\n {text}\r\n") != text_key(text + "x")
    assert len(text_key(text + "\ud800")) == 64
