"""Corpora: one reader per format, all giving the documents of :mod:`clinical_ner.documents`."""

from clinical_ner.corpora.label_map import LabelMap
from clinical_ner.corpora.quarantine import ON_BAD_RECORD, dump_quarantine, settle
from clinical_ner.corpora.reading import FORMATS, read_corpus
from clinical_ner.corpora.records import BadRecord, CorpusReading

__all__ = ["FORMATS", "ON_BAD_RECORD", "BadRecord", "CorpusReading", "LabelMap", "dump_quarantine", "read_corpus", "settle"]
