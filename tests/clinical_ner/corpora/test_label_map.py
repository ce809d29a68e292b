"""Label maps."""

import pytest

from clinical_ner.corpora import LabelMap
from clinical_ner.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("text", "label", "target"),
    [
        ("", "D", "D"),
        (" , ", "D", "D"),
        ("D=DISEASE,T=TREATMENT", "T", "TREATMENT"),
        (" D = DISEASE ", "D", "DISEASE"),
        ("D=DISEASE,T=", "T", None),
        ("D=DISEASE,*=", "Gene", None),
        ("*=DISEASE", "Modifier", "DISEASE"),
        ("*=DISEASE,Gene=", "Gene", None),
        ("D=D,*=X", "D", "D"),
    ],
)
def test_label_map_renames_drops_and_keeps(text, label, target):
    """A listed label goes where the map says, any other where * says, and an empty map changes nothing."""
    assert LabelMap.parse(text).target(label) == target


def test_label_map_says_what_to_add_for_an_unlisted_label():
    """Without * an unlisted label is an error that names it and the three ways to list it."""
    with pytest.raises(DataError, match=r"'Gene' is not in label_map; add Gene=NAME .* Gene= to drop .* or \*= "):
        LabelMap.parse("D=DISEASE").target("Gene")


@pytest.mark.parametrize(
    ("text", "message"),
    [("D", "'D' is not of the form"), ("D=X,=Y", "'=Y' is not of the form"), ("D=X, D=Y", "'D' is listed twice")],
)
def test_label_map_refuses_what_it_cannot_read(text, message):
    """An entry that is no FROM=TO, or a second one for a label, is named."""
    with pytest.raises(ConfigError, match=f"label_map: {message}"):
        LabelMap.parse(text)


@pytest.mark.parametrize("text", ["", "D=DISEASE,T=,*=X"])
def test_label_map_prints_as_it_is_written(text):
    """str() gives the text that parses to the same map."""
    assert str(LabelMap.parse(text)) == text
