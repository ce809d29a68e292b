"""Is the synthetic corpus as hard as it has to be? A plain CRF answers; exits with 1 when a bound is missed.

    python benchmarks/synthetic_corpus.py [--seed 0]

The CRF has the ordinary features (word, shape, affixes, neighbours), written here so that no later feature of the project makes
the corpus look easier. Strict span F1, in percent, with the 95 % bootstrap interval over notes.
"""

import argparse
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sklearn_crfsuite

from clinical_ner.corpora.synthetic import DRILL, Shift, synthesize
from clinical_ner.documents import Document
from clinical_ner.labels import TokenSpan, decode, encode
from clinical_ner.tokenization import Tokenizer

TRAINING_SIZES = (200, 480, 1000)
HELD_OUT = 400
SHIFTED = 400
F1_BOUNDS = (80.0, 93.0)
MAX_SEEN = 50.0
MIN_DROP = 8.0
MIN_NOTES_PER_SECOND = 500.0
ROUNDS = 1000

Sentences = list[list[str]]


@dataclass
class Row:
    """A measurement, what it should be, and whether it is."""

    name: str
    value: str
    bound: str
    passed: bool

    def __str__(self) -> str:
        return f"{self.name:<44} {self.value:<24} {self.bound:<12} {'PASS' if self.passed else 'FAIL'}"


def features(words: Sequence[str]) -> list[list[str]]:
    return [own_features(word) + neighbour_features(words, position) for position, word in enumerate(words)]


def own_features(word: str) -> list[str]:
    lower = word.lower()
    affixes = [f"{name}={affix}" for n in (2, 3, 4) for name, affix in ((f"p{n}", lower[:n]), (f"s{n}", lower[-n:]))]
    return ["bias", f"w={lower}", f"shape={shape(word)}", *affixes]


def neighbour_features(words: Sequence[str], position: int) -> list[str]:
    found = []
    for offset in (-2, -1, 1, 2):
        if 0 <= position + offset < len(words):
            word = words[position + offset]
            found += [f"{offset}w={word.lower()}", f"{offset}shape={shape(word)}", f"{offset}s3={word[-3:].lower()}"]
        else:
            found.append(f"{offset}edge")
    return found


def shape(word: str) -> str:
    return re.sub(r"[a-z]+", "x", re.sub(r"[A-Z]+", "X", re.sub(r"\d+", "0", word)))


def encode_notes(notes: Sequence[Document]) -> list[tuple[Sentences, Sentences]]:
    """Words and tags of each note, sentence by sentence; every gold span is expressed or this stops."""
    tokenizer = Tokenizer()
    encoded = []
    for note in notes:
        sentences = tokenizer.sentences(note.text)
        tags, unalignable = encode(sentences, note.entities)
        if unalignable:
            sys.exit(f"{note.id}: {len(unalignable)} spans lie on no token boundary")
        encoded.append(([[token.text for token in sentence] for sentence in sentences], tags))
    return encoded


def train(notes: Sequence[Document]) -> sklearn_crfsuite.CRF:
    crf = sklearn_crfsuite.CRF(algorithm="lbfgs", c1=0.1, c2=0.1, max_iterations=100)
    encoded = encode_notes(notes)
    crf.fit(
        [features(words) for sentences, _ in encoded for words in sentences],
        [tags for _, rows in encoded for tags in rows],
    )
    return crf


Counts = tuple[int, int, int]


def count_spans(crf: sklearn_crfsuite.CRF, notes: Sequence[Document]) -> list[Counts]:
    """True positives, predicted and gold spans of each note."""
    counts = []
    for sentences, rows in encode_notes(notes):
        predicted = spans(crf.predict([features(words) for words in sentences]))
        gold = spans(rows)
        counts.append((len(predicted & gold), len(predicted), len(gold)))
    return counts


def spans(rows: Sequence[Sequence[str]]) -> set[tuple[int, TokenSpan]]:
    return {(number, span) for number, tags in enumerate(rows) for span in decode(tags)}


def f1(counts: Sequence[Counts]) -> float:
    true, predicted, gold = (sum(column) for column in zip(*counts, strict=True))
    return 200 * true / max(1, predicted + gold)


def interval(counts: Sequence[Counts]) -> tuple[float, float]:
    rng = random.Random(0)
    values = sorted(f1(rng.choices(counts, k=len(counts))) for _ in range(ROUNDS))
    return values[int(0.025 * ROUNDS)], values[int(0.975 * ROUNDS)]


def share_seen(training: Sequence[Document], held_out: Sequence[Document], normalise: Callable[[str], str]) -> float:
    """Percent of the held-out mentions whose string is that of a training mention."""
    seen = set(mentions(training, normalise))
    found = [mention in seen for mention in mentions(held_out, normalise)]
    return 100 * sum(found) / len(found)


def mentions(notes: Sequence[Document], normalise: Callable[[str], str]) -> list[str]:
    return [normalise(note.text[entity.start : entity.end]) for note in notes for entity in note.entities]


def normalise_tokens(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def measure(seed: int) -> list[Row]:
    notes = synthesize(TRAINING_SIZES[-1] + HELD_OUT, seed=seed)
    training, held_out = notes[: TRAINING_SIZES[-1]], notes[TRAINING_SIZES[-1] :]
    rows = [measure_speed()]
    for name, normalise in (("raw", str), ("lower-case tokens", normalise_tokens)):
        seen = share_seen(training, held_out, normalise)
        rows.append(Row(f"mentions seen in training, {name}", f"{seen:.1f} %", f"<= {MAX_SEEN:g}", seen <= MAX_SEEN))
    for size in TRAINING_SIZES:
        crf = train(training[:size])
        counts = count_spans(crf, held_out)
        rows.append(f1_row(f"F1, {size} training notes", counts))
    return rows + [measure_drop(crf, knob, f1(counts), seed + 1) for knob in DRILL]


def measure_speed() -> Row:
    start = time.perf_counter()
    synthesize(2000, seed=99)
    speed = 2000 / (time.perf_counter() - start)
    return Row("notes generated a second", f"{speed:,.0f}", f">= {MIN_NOTES_PER_SECOND:g}", speed >= MIN_NOTES_PER_SECOND)


def f1_row(name: str, counts: Sequence[Counts]) -> Row:
    low, high = F1_BOUNDS
    ends = "{:.1f}-{:.1f}".format(*interval(counts))
    return Row(name, f"{f1(counts):.1f} ({ends})", f"{low:g}-{high:g}", low <= f1(counts) <= high)


def measure_drop(crf: sklearn_crfsuite.CRF, knob: str, unshifted: float, seed: int) -> Row:
    counts = count_spans(crf, synthesize(SHIFTED, seed=seed, shift=Shift.parse(knob)))
    drop = unshifted - f1(counts)
    return Row(f"F1 lost by {knob}={DRILL[knob]:g}", f"{drop:.1f} (F1 {f1(counts):.1f})", f">= {MIN_DROP:g}", drop >= MIN_DROP)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of the notes; shifted notes have the next one (default: 0)")
    rows = measure(parser.parse_args().seed)
    print(*rows, sep="\n")
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
