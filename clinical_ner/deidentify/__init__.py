"""Making a note's text safe to be read by annotators: identifiers are replaced, and predictions follow the text.

``patterns`` and ``names`` say what an identifier looks like, ``recognizers`` (Presidio; the only module that imports it) find
them, ``replacement`` puts a placeholder in their place and moves offsets. No model is loaded and nothing is fetched.

What comes out is safer, not anonymous: a name that is on no list and stands in no tell-tale place stays. It is kept and guarded
as protected health information. ``benchmarks/deidentification.py`` measures how much is missed.
"""

from clinical_ner.deidentify.recognizers import Deidentifier
from clinical_ner.deidentify.replacement import DeidentifiedText, Identifier, Kind, replace_identifiers

__all__ = ["DeidentifiedText", "Deidentifier", "Identifier", "Kind", "replace_identifiers"]
