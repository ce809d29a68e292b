"""Reviewed notes that judge the next models and train none of them. Pure.

Only corrections of uniformly drawn review samples say how good a model is on the notes that it meets; of those a fixed share is
held out for good. Corrections without a stratum, such as a dataset that a person made, all train.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from clinical_ner.documents import Document
from clinical_ner.model_package import Manifest
from clinical_ner.resubmit.overlap import Footprint
from clinical_ner.review.sampling import Stratum
from clinical_ner.splitting import text_key

REVIEWED_TEST_FRACTION = 0.3
"""Not a setting: with another fraction, notes that have judged would train, and the other way round."""


class Division(NamedTuple):
    """``held_out`` never train, ``training`` do; what is in neither shares a text, an id or a patient with a held-out note."""

    held_out: list[Document]
    training: list[Document]


def is_reviewed_test(document: Document, seed: int) -> bool:
    """Whether a correction belongs to those that judge: a pure hash of ``seed`` and the patient, so that no other one matters.

    Review samples know no patient. Then the text takes its place, not the record's id: equal notes stay on one side.
    """
    if document.metadata.get("stratum") != Stratum.UNIFORM:
        return False
    group = document.metadata.get("group_id") or text_key(document.text)
    # The first word sets the hash apart from that of the split, which would find half of the notes to tune on gone.
    digest = hashlib.sha256(f"reviewed-test\0{seed}\0{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < REVIEWED_TEST_FRACTION


def divide(corrections: Sequence[Document], trained_on: Iterable[Document], seed: int) -> Division:
    """Divide corrections; a note that the champion was trained on, in this or another form, goes on training.

    Since what was held out never trains, and what trained is never held out, further corrections move no note from one side
    to the other. They can take one out of training: when it shares its text or patient with a new held-out note.
    """
    trained = Footprint.of(trained_on)
    held_out = [each for each in corrections if is_reviewed_test(each, seed) and not trained.meets(each)]
    held = Footprint.of(held_out)
    return Division(held_out, [each for each in corrections if not held.meets(each)])


def of_champion(held_out: Iterable[Document], champion: Manifest) -> list[Document]:
    """Held-out notes that the champion itself answered, in front of which the next model must be better; notes that do not say
    which model answered them count too.

    Older ones stay out of training, but what they say of the drift was said before this champion was trained.
    """
    return [each for each in held_out if each.metadata.get("model_digest", champion.model_digest) == champion.model_digest]


def has_strata(corrections: Iterable[Document]) -> bool:
    """Whether there are corrections of review samples, of which some could have been held out."""
    return any("stratum" in each.metadata for each in corrections)
