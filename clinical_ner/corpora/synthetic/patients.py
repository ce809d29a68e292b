"""Patients: who the notes are about. Consecutive notes share a patient, one to four each."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from clinical_ner.corpora.synthetic.dice import Dice
from clinical_ner.corpora.synthetic.grammar import Grammar, load_grammar
from clinical_ner.corpora.synthetic.mentions import Namer
from clinical_ner.corpora.synthetic.shift import Shift

SITES = ("harbor-general", "st-anne", "university-clinic")
SPECIALTIES = ("cardiology", "oncology", "orthopedics", "neurology", "gastroenterology", "pulmonology", "endocrinology")
NEW_SITE = "northmoor"
NEW_SPECIALTIES = ("ophthalmology", "dermatology", "obstetrics", "nephrology")

_BASE = ("findings", "diseases", "treatments", "notes", "new_diseases", "new_treatments")
# Ten notes belong to four patients with 4, 3, 2 and 1 of them.
_VISITS = (0, 0, 0, 0, 1, 1, 1, 2, 2, 3)


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient, where they are treated, and the problems and drugs that their notes come back to."""

    number: int
    site: str
    specialty: str
    known: Mapping[str, tuple[str, ...]]

    def grammar(self, *, other_style: bool = False) -> Grammar:
        """The grammar of this patient's notes."""
        overlays = ("new_site",) * (self.site == NEW_SITE) + ("other_style",) * other_style
        return load_grammar(_BASE + overlays, self.specialty)


def patient_number(note: int) -> int:
    """The patient of the note with that index."""
    return note // len(_VISITS) * (_VISITS[-1] + 1) + _VISITS[note % len(_VISITS)]


def make_namers(grammar: Grammar, shift: Shift, *key: str | int) -> dict[str, Namer]:
    """A namer per kind of mention, each with randomness of its own, so that one knob leaves the other kinds alone."""
    shares = {"DISEASE": shift.new_diseases, "TREATMENT": shift.new_treatments, "FINDING": 0.0, "DIAGNOSTIC": 0.0}
    return {kind: Namer(grammar, Dice(*key, kind), Dice(*key, kind, "new"), share) for kind, share in shares.items()}


@lru_cache(maxsize=16)
def make_patient(seed: int, number: int, shift: Shift) -> Patient:
    """The patient of that number, the same whatever the number of notes."""
    key = (seed, "patient", number)
    dice = Dice(*key)
    site, specialty = dice.pick(SITES), dice.pick(SPECIALTIES)
    if dice.chance(shift.new_site):
        site, specialty = NEW_SITE, dice.pick(NEW_SPECIALTIES)
    stranger = Patient(number, site, specialty, known={})
    namers = make_namers(stranger.grammar(), shift, *key)
    known = {
        "DISEASE": tuple(namers["DISEASE"].name("disease") for _ in range(3)),
        "TREATMENT": tuple(namers["TREATMENT"].name("treatment.drug") for _ in range(4)),
    }
    return Patient(number, site, specialty, known)
