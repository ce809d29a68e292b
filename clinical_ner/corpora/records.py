"""What a reader makes of a file: records that became documents, and records that could not."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from clinical_ner.documents import Document


@dataclass(frozen=True, slots=True)
class Record:
    """A document as its file has it: the file's own labels, and id ``""`` where the file names none.

    ``file`` and ``line`` (from 1) say where it begins; ``raw`` is the record's bytes as found. ``counters`` holds what the
    reader met and passed over in it, by name.
    """

    file: str
    line: int
    document: Document
    raw: bytes = field(repr=False)
    counters: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that is no document, and why.

    ``line`` (from 1) is the line at fault where one is known, else the record's first. ``reason`` holds no note text.
    ``raw`` is the whole record as found; it IS note text and goes to the quarantine file only. ``mentions`` counts the
    mentions that can still be told apart in it.
    """

    file: str
    line: int
    reason: str
    raw: bytes = field(repr=False)
    mentions: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(slots=True)
class CorpusReading:
    """All that reading a corpus gave; nothing of the corpus is missing from it.

    ``mentions_seen`` counts the mentions in the files, bad records included, and always equals ``mentions_kept`` + those
    of the bad records + ``mentions_dropped`` (by the label map) + ``mentions_merged`` (equal spans of one document, which
    become one). ``counters`` holds what else a reader met and passed over (relation lines, for example), by name.
    """

    files: list[str] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    bad_records: list[BadRecord] = field(default_factory=list)
    mentions_seen: int = 0
    mentions_dropped: int = 0
    mentions_merged: int = 0
    counters: Counter[str] = field(default_factory=Counter)

    @property
    def mentions_by_label(self) -> Counter[str]:
        """Mentions in the documents, by label after the label map."""
        return Counter(entity.label for document in self.documents for entity in document.entities)

    @property
    def mentions_kept(self) -> int:
        return sum(len(document.entities) for document in self.documents)
