"""Unknown words by their keyed hashes: in how many notes each is, and how many of a window's are in no earlier note.

Most unknown words come once and never again, misspellings and names above all: every window has new ones. What tells of new
language is a word that is new and **recurs**. How many of the recurring words chance puts into the window alone follows from
the notes themselves: were all of them, window and earlier, dealt out at random, a word that d of N notes hold would lie in the
window's m notes alone with probability C(m, d) / C(N, d).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.special import gammaln  # type: ignore[import-untyped]

from clinical_ner.drift.columns import STATUS_OK
from clinical_ner.errors import DataError

COLUMNS = ("status", "unknown_hashes")
"""What is read of the log."""
MAX_WORDS = 1_000_000
"""Different words that are held, 16 bytes each; of more a sample is."""
RECURRING_NOTES = 3
"""Notes, of window and earlier ones together, from which on a word recurs."""
LISTED_WORDS = 200
_HASH_BYTES = 8


@dataclass(frozen=True, slots=True, eq=False)
class WordCounts:
    """In how many of ``notes`` answered notes each unknown word is.

    ``words`` are hashes as numbers, ascending, and ``counts`` the notes that hold each, both of shape (words,). Only words
    whose hash begins with ``halvings`` zero bits are there: since hashes are random, a fair sample of one in 2^halvings.
    """

    notes: int
    words: NDArray[np.uint64]
    counts: NDArray[np.int64]
    halvings: int = 0


class NewWord(NamedTuple):
    """A word that is in notes of the window and in no earlier note, by its keyed hash (16 hexadecimal digits)."""

    hash: str
    notes: int


class UnknownWords(BaseModel):
    """A window's different unknown words against those of earlier notes, by hash; estimated when there are too many to hold."""

    model_config = ConfigDict(frozen=True)

    notes: int
    earlier_notes: int
    different: int
    new: int
    """In no earlier note."""
    recurring: int
    """In at least :data:`RECURRING_NOTES` notes of window and earlier ones together."""
    recurring_new: int
    recurring_new_by_chance: float
    """As many as the window would be expected to have if notes lay in window and earlier ones at random."""
    listed: tuple[NewWord, ...] = ()
    """The new ones that recur, those in most notes first, at most :data:`LISTED_WORDS`."""


NO_WORDS = WordCounts(0, np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))


def count_words(table: pa.Table) -> WordCounts:
    """Count a log table with :data:`COLUMNS`; refused notes are left out.

    Raises:
        DataError: a hash is none.
    """
    answered = table.filter(pc.equal(table["status"], STATUS_OK))
    words, counts = np.unique(_parse(pc.list_flatten(answered["unknown_hashes"])), return_counts=True)
    return WordCounts(answered.num_rows, words, counts)


def _parse(hashes: pa.ChunkedArray) -> NDArray[np.uint64]:
    try:
        data = bytes.fromhex("".join(hashes.to_pylist()))
    except (ValueError, TypeError) as error:
        raise DataError("inference log: unknown_hashes holds what is no hash") from error
    if len(data) != _HASH_BYTES * len(hashes):
        raise DataError(f"inference log: unknown_hashes holds a hash that is not {2 * _HASH_BYTES} digits long")
    return np.frombuffer(data, dtype=">u8").astype(np.uint64)


def add_words(left: WordCounts, right: WordCounts, *, max_words: int = MAX_WORDS) -> WordCounts:
    """The counts of both parts' notes together; of more than ``max_words`` words a sample, the same in whatever order."""
    words, position = np.unique(np.concatenate([left.words, right.words]), return_inverse=True)
    counts = np.bincount(position, np.concatenate([left.counts, right.counts]), len(words)).astype(np.int64)
    total = WordCounts(left.notes + right.notes, words, counts)
    halvings = max(left.halvings, right.halvings)
    while len((sample := thin(total, halvings)).words) > max_words:
        halvings += 1
    return sample


def thin(counts: WordCounts, halvings: int) -> WordCounts:
    """The sample of so many ``halvings``, at least those that it has; the first words of an ascending order."""
    halvings = max(halvings, counts.halvings)
    size = int(np.searchsorted(counts.words, np.uint64(2 ** (64 - halvings) - 1), side="right"))
    return WordCounts(counts.notes, counts.words[:size], counts.counts[:size], halvings)


def compare_words(window: WordCounts, earlier: WordCounts) -> UnknownWords:
    """A window's unknown words against those of the notes before it."""
    halvings = max(window.halvings, earlier.halvings)
    window, earlier = thin(window, halvings), thin(earlier, halvings)
    both = np.union1d(window.words, earlier.words)
    now, before = (_counts_of(part, both) for part in (window, earlier))
    new, recurring = (now > 0) & (before == 0), now + before >= RECURRING_NOTES
    chance = _chance_of_window_alone(now + before, window.notes, earlier.notes)
    scale = 2**halvings
    return UnknownWords(
        notes=window.notes,
        earlier_notes=earlier.notes,
        different=scale * int((now > 0).sum()),
        new=scale * int(new.sum()),
        recurring=scale * int((recurring & (now > 0)).sum()),
        recurring_new=scale * int((new & recurring).sum()),
        recurring_new_by_chance=scale * float(chance[recurring].sum()),
        listed=_list(both[new & recurring], now[new & recurring]),
    )


def _list(words: NDArray[np.uint64], notes: NDArray[np.int64]) -> tuple[NewWord, ...]:
    """Those in most notes first, at most :data:`LISTED_WORDS`."""
    first = np.lexsort((words, -notes))[:LISTED_WORDS]
    return tuple(NewWord(f"{int(words[place]):0{2 * _HASH_BYTES}x}", int(notes[place])) for place in first)


def _counts_of(part: WordCounts, words: NDArray[np.uint64]) -> NDArray[np.int64]:
    counts = np.zeros(len(words), dtype=np.int64)
    counts[np.searchsorted(words, part.words)] = part.counts
    return counts


def _chance_of_window_alone(notes: NDArray[np.int64], window: int, earlier: int) -> NDArray[np.float64]:
    """C(m, d) / C(m + n, d) for each number d of notes, with m notes in the window and n before it; 0 for d > m."""
    possible = notes <= window
    held = np.where(possible, notes, 0)
    chosen = gammaln(window + 1) - gammaln(window - held + 1)
    of_all = gammaln(window + earlier + 1) - gammaln(window + earlier - held + 1)
    return np.where(possible, np.exp(chosen - of_all), 0.0)
