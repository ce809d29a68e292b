"""Synthetic clinical notes with gold spans: the embedded default corpus, for the demo, tests and drills.

Notes of seven specialties and three sites are written from a small grammar (``grammar/*.txt``, language in
:mod:`~clinical_ner.corpora.synthetic.grammar`). Nothing in them is about a real person, and nothing is medical advice: drugs,
doses and problems are combined at random. They are hard in the ways notes are: names that no other note holds, abbreviations
that only this note explains, misspellings, and words that are a disease here and a test or a finding there.

**Annotation guideline.** The labels are DISEASE and TREATMENT.

========================  ============================================================================================
DISEASE                   disorders, injuries, infections, tumours by name, eponym or abbreviation, whoever has them and
                          whether present, past, suspected, negated or in the family
TREATMENT                 drugs, vaccines, fluids, operations, devices and care that treat; also when stopped or planned
neither                   symptoms, signs and isolated laboratory or imaging findings; tests and diagnostic procedures; measured
                          substances ("digoxin level"), allergens, monitoring and teaching; names of doctors, clinics, wards
inside the span           what tells which one it is: course, cause, kind ("chronic", "viral"), side and place in the
                          name ("of the left wrist"), salt, form and release ("ER", "cream"), approach ("laparoscopic")
outside the span          what rates this case: severity, certainty, control, stage ("severe", "suspected", "stage IV"); dose,
                          route, frequency, packing ("tablets"); setting ("elective", "home", "prior")
abbreviations             a name and the abbreviation in brackets behind it are two spans; so is each later use
coordination              two diseases are two spans ("gout and asthma"); two kinds or places of one are one span ("acute and
                          chronic gastritis", "liver and lung metastases")
========================  ============================================================================================

Spans neither begin nor end with white space or punctuation, do not overlap, and lie on word boundaries.
"""

from clinical_ner.corpora.synthetic.notes import iter_notes, synthesize
from clinical_ner.corpora.synthetic.shift import DRILL, Shift
from clinical_ner.corpora.synthetic.uri import read_synthetic

__all__ = ["DRILL", "Shift", "iter_notes", "read_synthetic", "synthesize"]
