from clinical_ner.corpora.synthetic.notes import iter_notes, synthesize
from clinical_ner.corpora.synthetic.shift import DRILL, Shift

__all__ = ["DRILL", "Shift", "iter_notes", "synthesize"]
