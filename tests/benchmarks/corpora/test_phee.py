"""The conversion of PHEE."""

import json

import pytest

from benchmarks.corpora.phee import convert, main
from clinical_ner.documents import Entity, load_documents
from clinical_ner.errors import DataError


def sentence(**arguments):
    events = [{"event_id": "E1", "event_type": "Adverse_event", **arguments}]
    return json.dumps({"id": "77_3", "context": "Rash and fever after lithium.", "annotations": [{"events": events}]}).encode()


RASH_AND_FEVER = {"text": [["Rash", "fever"]], "start": [[0, 9]]}
LITHIUM = {"text": [["after lithium"]], "start": [[15]], "Drug": {"text": [["lithium"], ["lithium"]], "start": [[21], [21]]}}


def test_phee_keeps_drug_names_and_every_fragment_of_an_effect():
    """The drug's name, not its treatment span, is a DRUG once; each fragment of an effect is an EFFECT."""
    (document,) = convert(sentence(Treatment=LITHIUM, Effect=RASH_AND_FEVER, Trigger=RASH_AND_FEVER) + b"\n\n")
    assert document.entities == (Entity(0, 4, "EFFECT"), Entity(9, 14, "EFFECT"), Entity(21, 28, "DRUG"))
    assert (document.id, document.group) == ("77_3", "77")


def test_phee_reports_a_wrong_offset_by_line():
    """A span that is not in its sentence is an error that names the line and the offsets."""
    with pytest.raises(DataError, match="line 2: EFFECT: text differs from the sentence at 1:5"):
        convert(sentence() + b"\n" + sentence(Effect={"text": [["Rash"]], "start": [[1]]}))


def test_phee_writes_canonical_documents(tmp_path):
    """The output is canonical JSON Lines of all sentences."""
    (tmp_path / "in.json").write_bytes(sentence(Effect=RASH_AND_FEVER))
    main(str(tmp_path / "in.json"), str(tmp_path / "out.jsonl"))
    (document,) = load_documents((tmp_path / "out.jsonl").read_bytes())
    assert len(document.entities) == 2
