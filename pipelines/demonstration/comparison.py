"""Two model versions on the same notes: strict F1 of all entities, and of names that training held or did not hold."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from clinical_ner.documents import Document, Entity
from clinical_ner.evaluation.bootstrap import Interval, f1_difference_interval
from clinical_ner.evaluation.counts import GOLD, count_spans, strict_score
from clinical_ner.evaluation.evaluation import annotate_all, spans_of
from clinical_ner.splitting import text_key
from clinical_ner.tagger import Tagger


class Row(NamedTuple):
    """Strict F1 of both versions on one kind of entity; ``interval`` is the 95 % interval of the difference."""

    name: str
    gold_spans: int
    before: float
    after: float
    interval: Interval


def compare(before: Tagger, after: Tagger, notes: Sequence[Document], training: Iterable[Document]) -> list[Row]:
    """Rows for all entities, for each label, and apart for seen names (annotated somewhere in ``training``) and unseen ones.

    ``notes`` and ``training`` must share no text (:func:`without_texts`).
    """
    seen = {name_of(document.text, entity) for document in training for entity in document.entities}
    found = [spans_of(annotate_all(tagger, notes)) for tagger in (before, after)]
    labels = sorted({entity.label for note in notes for entity in note.entities})
    kinds: list[tuple[str, Callable[[str, Entity], bool]]] = [
        ("all", lambda _text, _entity: True),
        *((label, lambda _text, entity, label=label: entity.label == label) for label in labels),
        ("names seen in training", lambda text, entity: name_of(text, entity) in seen),
        ("unseen names", lambda text, entity: name_of(text, entity) not in seen),
    ]
    return [_row(name, notes, found, labels, belongs) for name, belongs in kinds]


def without_texts(notes: Iterable[Document], texts: AbstractSet[str]) -> list[Document]:
    """``notes`` whose :func:`~clinical_ner.splitting.text_key` is not among ``texts``."""
    return [note for note in notes if text_key(note.text) not in texts]


def name_of(text: str, entity: Entity) -> str:
    """An entity's words, whatever their case and spacing."""
    return " ".join(text[entity.start : entity.end].lower().split())


def _row(
    name: str,
    notes: Sequence[Document],
    found: Sequence[Sequence[Sequence[Entity]]],
    labels: Sequence[str],
    belongs: Callable[[str, Entity], bool],
) -> Row:
    def chosen(spans: Sequence[Sequence[Entity]]) -> list[list[Entity]]:
        return [[span for span in each if belongs(note.text, span)] for note, each in zip(notes, spans, strict=True)]

    gold = chosen([note.entities for note in notes])
    before, after = (count_spans(gold, chosen(spans), labels) for spans in found)
    return Row(
        name=name,
        gold_spans=int(before[..., GOLD].sum()),
        before=strict_score(before).f1,
        after=strict_score(after).f1,
        interval=f1_difference_interval(after, before),
    )
