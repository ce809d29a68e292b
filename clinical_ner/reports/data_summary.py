"""What is in a corpus, counted: sizes, labels, spans that labels cannot express, metadata, parts. No note text."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from clinical_ner import labels
from clinical_ner.documents import Document, Entity
from clinical_ner.reports.distribution import Distribution, distribution_of
from clinical_ner.splitting import PARTS, Split, text_key
from clinical_ner.tokenization import Tokenizer

METADATA_FIELDS = ("site", "specialty")
LISTED_RECORDS = 50


class BadRecord(Protocol):
    """A record of a corpus file that is no document."""

    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class BadLine:
    """Where a bad record begins, and why it is one."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class LabelSummary:
    """One label's spans; ``unalignable`` of them are such that no token labels express them."""

    label: str
    entities: int
    documents: int
    unalignable: int
    distinct: int
    """Different strings, white space and case aside."""

    @property
    def recall_ceiling(self) -> float:
        return 1 - self.unalignable / self.entities if self.entities else 1.0


@dataclass(frozen=True, slots=True)
class PartSummary:
    """One part of the split; ``seen`` is the share of its entities whose string is an entity of the training part."""

    name: str
    documents: int
    groups: int
    entities: dict[str, int]
    seen: float | None


@dataclass(frozen=True, slots=True)
class DataQuality:
    """A corpus in numbers; :func:`summarize_data` makes it."""

    documents: int
    characters: int
    tokens: int
    sentences: int
    labels: tuple[LabelSummary, ...]
    overlapping: int
    """Entities that share a code point with another of the same document."""
    without_entities: int
    duplicates: int
    """Documents whose text an earlier one has, white space aside."""
    ambiguous: int
    """Different entity strings that carry more than one label."""
    ungrouped: int
    """Documents that name no patient (``group_id``)."""
    bad_records: int
    bad_lines: tuple[BadLine, ...]
    """The first 50 of them."""
    metadata: dict[str, tuple[tuple[str, int], ...]]
    """Documents by value for each of :data:`METADATA_FIELDS` that occurs, most frequent first; ``""`` where it is missing."""
    note_tokens: Distribution
    entity_tokens: Distribution
    parts: tuple[PartSummary, ...]
    left_out: int
    """Documents that the split left out because their text stands in another part."""

    @property
    def entities(self) -> int:
        return sum(label.entities for label in self.labels)

    @property
    def unalignable(self) -> int:
        return sum(label.unalignable for label in self.labels)


def summarize_data(
    documents: Sequence[Document], bad_records: Sequence[BadRecord] = (), split: Split | None = None
) -> DataQuality:
    """Count what ``documents`` hold; every one is tokenized as training would. Nothing in the result is note text."""
    tokenizer = Tokenizer()
    sizes = [_size_of(document, tokenizer) for document in documents]
    return DataQuality(
        documents=len(documents),
        characters=sum(len(document.text) for document in documents),
        tokens=sum(size.tokens for size in sizes),
        sentences=sum(size.sentences for size in sizes),
        labels=_label_summaries(documents, Counter(label for size in sizes for label in size.unalignable)),
        overlapping=sum(count_overlapping(document.entities) for document in documents),
        without_entities=sum(not document.entities for document in documents),
        duplicates=len(documents) - len({text_key(document.text) for document in documents}),
        ambiguous=_count_ambiguous(documents),
        ungrouped=sum(not document.metadata.get("group_id") for document in documents),
        bad_records=len(bad_records),
        bad_lines=tuple(BadLine(bad.file, bad.line, bad.reason) for bad in bad_records[:LISTED_RECORDS]),
        metadata=_metadata_counts(documents),
        note_tokens=distribution_of([size.tokens for size in sizes]),
        entity_tokens=distribution_of([length for size in sizes for length in size.entity_tokens]),
        parts=_part_summaries(split) if split else (),
        left_out=len(split.duplicates) if split else 0,
    )


class _Size(NamedTuple):
    """One document: ``entity_tokens`` has the number of tokens that each entity touches, ``unalignable`` their labels."""

    tokens: int
    sentences: int
    entity_tokens: list[int]
    unalignable: list[str]


def _size_of(document: Document, tokenizer: Tokenizer) -> _Size:
    sentences = tokenizer.sentences(document.text)
    tokens = [token for sentence in sentences for token in sentence]
    starts, ends = [token.start for token in tokens], [token.end for token in tokens]
    return _Size(
        tokens=len(tokens),
        sentences=len(sentences),
        entity_tokens=[bisect_left(starts, entity.end) - bisect_right(ends, entity.start) for entity in document.entities],
        unalignable=[entity.label for entity in labels.encode(sentences, document.entities).unalignable],
    )


def count_overlapping(entities: Sequence[Entity]) -> int:
    """Entities that share a code point with another one."""
    overlapping: set[int] = set()
    furthest, owner = 0, -1
    for position, entity in sorted(enumerate(entities), key=lambda item: item[1]):
        if entity.start < furthest:
            overlapping |= {position, owner}
        if entity.end > furthest:
            furthest, owner = entity.end, position
    return len(overlapping)


def entity_string(document: Document, entity: Entity) -> str:
    """An entity's string in the form in which strings are compared: lower case, one space at a time. It is note text."""
    return " ".join(document.text[entity.start : entity.end].casefold().split())


def _label_summaries(documents: Sequence[Document], unalignable: Counter[str]) -> tuple[LabelSummary, ...]:
    entities = Counter(entity.label for document in documents for entity in document.entities)
    holding = Counter(label for document in documents for label in {entity.label for entity in document.entities})
    distinct = Counter(label for label, _ in _entity_strings(documents))
    return tuple(
        LabelSummary(label, total, holding[label], unalignable[label], distinct[label])
        for label, total in sorted(entities.items(), key=lambda item: (-item[1], item[0]))
    )


def _entity_strings(documents: Iterable[Document]) -> set[tuple[str, str]]:
    return {(entity.label, entity_string(document, entity)) for document in documents for entity in document.entities}


def _count_ambiguous(documents: Sequence[Document]) -> int:
    labels_of_string = Counter(string for _, string in _entity_strings(documents))
    return sum(count > 1 for count in labels_of_string.values())


def _metadata_counts(documents: Sequence[Document]) -> dict[str, tuple[tuple[str, int], ...]]:
    counts = {name: Counter(document.metadata.get(name, "") for document in documents) for name in METADATA_FIELDS}
    return {name: tuple(values.most_common()) for name, values in counts.items() if any(values)}


def _part_summaries(split: Split) -> tuple[PartSummary, ...]:
    known = _entity_strings(split.train)
    return tuple(_part_summary(name, getattr(split, name), known) for name in PARTS)


def _part_summary(name: str, documents: Sequence[Document], known: set[tuple[str, str]]) -> PartSummary:
    pairs = [(entity.label, entity_string(document, entity)) for document in documents for entity in document.entities]
    return PartSummary(
        name=name,
        documents=len(documents),
        groups=len({document.group for document in documents}),
        entities=dict(Counter(label for label, _ in pairs)),
        seen=sum(pair in known for pair in pairs) / len(pairs) if pairs and name != "train" else None,
    )
