"""What is taken for an identifier, and what is not."""

import socket

import pytest

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.deidentify import Deidentifier, recognizers
from clinical_ner.documents import ScoredEntity
from clinical_ner.errors import DataError


@pytest.fixture(scope="module")
def deidentifier():
    return Deidentifier()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Seen by Dr. Anna van Dijk today", "Seen by Dr. [NAME] today"),
        ("Patient name: quinn o'brien\nPlan", "Patient name: [NAME]\nPlan"),
        ("Mrs O'Neill-Smith is well", "Mrs [NAME] is well"),
        ("his wife Carla drove", "his wife [NAME] drove"),
        ("Zanetti, Maria called", "[NAME] called"),
        ("J. R. Tolliver reviewed", "[NAME] reviewed"),
        ("\n-- Ilse Brandvold, RN", "\n-- [NAME], RN"),
        ("Sincerely,\nOtto Fenwick", "Sincerely,\n[NAME]"),
        ("Mrs Trask slept. Later Trask ate.", "Mrs [NAME] slept. Later [NAME] ate."),
        ("she phoned Ottoline Quisling twice", "she phoned [NAME] twice"),
        ("Zebulon Trask, 54-year-old", "[NAME], 54-year-old"),
        ("\ncc: Tove Halvard", "\ncc: [NAME]"),
        ("Mirek Jankowski, ward round", "[NAME], ward round"),
        ("on 2024-03-14 at noon", "on [DATE] at noon"),
        ("seen on Monday, March 3", "seen on [DATE]"),
        ("vaccinated 3/4 and 5/6.", "vaccinated [DATE] and [DATE]."),
        ("worse since the 5th", "worse since the [DATE]"),
        ("last colonoscopy 9/10.", "last colonoscopy [DATE]."),
        ("on 3/4/24, again 04.03.2024", "on [DATE], again [DATE]"),
        ("14 March 2024 and Mar 3rd, 2024", "[DATE] and [DATE]"),
        ("colonoscopy 3/14 and 25/12", "colonoscopy [DATE] and [DATE]"),
        ("2nd of May 2023", "[DATE]"),
        ("call (555) 201-3344 or +44 20 7946 0958", "call [PHONE] or [PHONE]"),
        ("at 12 North Elm Street, Apt 4B, Troy, NY 12180.", "at [ADDRESS]."),
        ("number 07700 900123 rings", "number [PHONE] rings"),
        ("lives in Ulm with", "lives in [ADDRESS] with"),
        ("P.O. Box 77 today", "[ADDRESS] today"),
        ("MRN: 00482-113, stable", "MRN: [ID], stable"),
        ("SSN 078-05-1120", "SSN [ID]"),
        ("Policy no. AB/4471/99", "Policy no. [ID]"),
        ("a 93-year-old man", "a [AGE]-year-old man"),
        ("aged 101, frail", "aged [AGE], frail"),
        ("ninety-two years old", "[AGE] years old"),
        ("mail j.doe+x@mail.example.org now", "mail [EMAIL] now"),
        ("see https://example.org/p?id=1 or www.example.com", "see [URL] or [URL]"),
        ("from 192.168.7.20", "from [IP]"),
        ("at 2001:db8::ff00:42:8329 too", "at [IP] too"),
    ],
)
def test_identifiers_are_replaced(deidentifier, text, expected):
    """Each kind of identifier becomes its placeholder, and the words around it stay."""
    assert deidentifier.deidentify(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "BP 120/80, HR 95, strength 5/5, T 37.2, SpO2 98 %",
        "metformin 500 mg twice daily for 90 days",
        "Bell's palsy after Colles fracture; Parkinson disease",
        "seen in the Stroke Unit, then by Heart Failure Clinic staff",
        "E. coli and S. Aureus grew; H. Pylori negative",
        "89-year-old woman, aged 64",
        "HbA1c 7.4, K 4.1, WBC 12.3, INR 2.5",
        "may increase to 10 mg; march fracture",
        "C5-C6 radiculopathy, T2N1M0, grade 3/4, 2/6 murmur, pain 4/10, 1/2 tablet",
        "GCS 12/15, MMSE: 9/30, vision 20/20",
        "q.i.d. p.o. with food, e.g. toast",
        "CC: Chest pain. Re: Hypertension",
        "started on AZD-8041, VX 39-656 800 mg and BAY 44-621; lot 52 19 mEq",
        "admit :: bloods mane :: Cedar Creek fever :: Zubek Forest virus strain",
        "Rx: TAK3101 2 tabs; LY-405, followed by Skyrizia; STOPPED FSGS",
        "creatinine of 2.5, strength improved to 4/5, pain down to 3/10",
        "tenderness on the 5th rib since the 2nd trimester",
    ],
)
def test_clinical_text_stays_as_it_is(deidentifier, text):
    """Measurements, doses, eponyms, microbes and ages below 90 are what the notes are read for."""
    assert deidentifier.deidentify(text).text == text


def test_few_entities_are_lost_in_notes_without_identifiers(deidentifier):
    """Of the entities in 200 synthetic notes, which name doctors and dates only, at most 1 % are dropped."""
    documents = synthesize(200, seed=3)
    moved = [
        deidentifier.deidentify(each.text).move([ScoredEntity(*span, 1.0) for span in each.entities]) for each in documents
    ]
    assert sum(each.dropped for each in moved) <= 0.01 * sum(len(each.entities) for each in documents)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", ["A.", "1-", "A", "AB1-", "a at ", "Aa ", "12 North ", "name: a ", "1", "\n", " "])
def test_no_text_takes_long(deidentifier, unit):
    """Repetitions that set a backtracking pattern off take no more than their length's share."""
    assert deidentifier.deidentify(unit * (40_000 // len(unit))).text


def test_identifying_talks_to_nobody(deidentifier, monkeypatch):
    """Notes are read without a connection to anywhere: a pod may have none, and text must not leave it."""

    def refuse(*arguments):
        pytest.fail("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert "[EMAIL]" in Deidentifier().deidentify("a@example.co.uk http://x.test 10.0.0.1").text


def test_a_pattern_that_was_given_up_refuses_the_text(deidentifier, monkeypatch):
    """Presidio passes over a pattern that takes too long; the text is then refused, not returned with what it hid."""
    monkeypatch.setattr(recognizers, "REGEX_TIMEOUT_SECONDS", 0)
    with pytest.raises(DataError, match="took 0 s or more") as caught:
        deidentifier.deidentify("Dr. Zebulon")
    assert "Zebulon" not in str(caught.value)
