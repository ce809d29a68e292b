"""What a server tells of a note that it answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from clinical_ner.documents import ScoredEntity


@dataclass(frozen=True, slots=True)
class AnsweredNote:
    """A note as it was answered; its text is in no representation. ``time`` is the request's, aware."""

    record_id: str
    time: datetime
    site: str
    specialty: str
    text: str = field(repr=False)
    entities: Sequence[ScoredEntity]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """Which model answers here."""

    name: str
    version: str
    digest: str
