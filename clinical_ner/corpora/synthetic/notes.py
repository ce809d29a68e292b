"""Notes put together: patient, grammar and mentions in, annotated documents out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice

from clinical_ner.corpora.synthetic.dice import Dice
from clinical_ner.corpora.synthetic.grammar import Kind
from clinical_ner.corpora.synthetic.mentions import Mentions, Piece
from clinical_ner.corpora.synthetic.noise import misspell, shorten
from clinical_ner.corpora.synthetic.patients import Patient, make_namers, make_patient, patient_number
from clinical_ner.corpora.synthetic.shift import Shift
from clinical_ner.documents import Document, Entity
from clinical_ner.errors import ConfigError

MISSPELLED_WORDS = 0.015
FIRST_NOTE = datetime(2025, 1, 6, 8, 0, tzinfo=UTC)
MINUTES_BETWEEN_NOTES = 17
UNSHIFTED = Shift()


def synthesize(n_notes: int, *, seed: int = 0, shift: Shift = UNSHIFTED) -> list[Document]:
    """The first ``n_notes`` of :func:`iter_notes`: more notes keep the earlier ones.

    Raises:
        ConfigError: ``n_notes`` is negative.
    """
    if n_notes < 0:
        raise ConfigError(f"n_notes: {n_notes} is negative")
    return list(islice(iter_notes(seed=seed, shift=shift), n_notes))


def iter_notes(*, seed: int = 0, shift: Shift = UNSHIFTED) -> Iterator[Document]:
    """Notes without end; note i is a function of (seed, i, shift) alone, byte for byte the same everywhere.

    A seed is a hospital's population: other seeds have other patients. Documents of one seed under two shifts have different
    ids but the same patients; compare or merge shifted notes with unshifted ones of another seed.
    """
    return (write_note(seed, index, shift) for index in count())


def write_note(seed: int, index: int, shift: Shift) -> Document:
    """The note of that index."""
    patient = make_patient(seed, patient_number(index), shift)
    other_style = Dice(seed, "note", index, "style").chance(shift.other_style)
    pieces = write_pieces(seed, index, patient, shift, other_style=other_style)
    if other_style:
        pieces = [Piece(shorten(piece.text), piece.label) for piece in pieces]
    text, entities = assemble(pieces, capitals=not other_style)
    metadata = {
        "group_id": f"synthetic-{seed}-p{patient.number}",
        "site": patient.site,
        "specialty": patient.specialty,
        "source": "synthetic",
        "created_at": (FIRST_NOTE + timedelta(minutes=MINUTES_BETWEEN_NOTES * index)).isoformat(),
    }
    variant = f"{seed}[{shift}]" if str(shift) else f"{seed}"
    return Document(f"synthetic-{variant}-{index:06d}", text, entities, metadata)


def write_pieces(seed: int, index: int, patient: Patient, shift: Shift, *, other_style: bool) -> list[Piece]:
    """The note's text in pieces; wording, diseases and treatments each draw on randomness of their own."""
    key = (seed, "note", index)
    grammar = patient.grammar(other_style=other_style)
    mentions = Mentions(make_namers(grammar, shift, *key), patient.known, defaultdict(list))
    dice = Dice(*key, "wording")
    pieces: list[Piece] = []
    for part in grammar.expand("note", dice):
        if part.kind is Kind.MENTION:
            pieces += mentions.write(part.value, part.mode)
        else:
            pieces.append(Piece(misspell(part.value, MISSPELLED_WORDS, dice)))
    return pieces


def assemble(pieces: Iterable[Piece], *, capitals: bool = True) -> tuple[str, tuple[Entity, ...]]:
    """Join pieces into a text and the exact spans of its mentions.

    Lines neither begin nor end with a space, there is one space at a time and none before a comma or full stop, and with
    ``capitals`` a sentence that begins with a piece begins with a capital.
    """
    text = ""
    entities = []
    for piece in pieces:
        addition = piece.text
        if not text or text.endswith((" ", "\n")):
            addition = addition.lstrip(" ")
        if addition.startswith(("\n", ".", ",", ";", ":")):
            text = text.rstrip(" ")
        if capitals and (not text or text.endswith(". ")):
            addition = addition[:1].upper() + addition[1:]
        if piece.label:
            entities.append(Entity(len(text), len(text) + len(addition), piece.label))
        text += addition
    return text.rstrip(), tuple(entities)
