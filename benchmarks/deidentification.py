"""How much of made-up identifiers the de-identification finds, and what it costs.

``python -m benchmarks.deidentification [--notes 2000] [--corpora DIR] [--show-development-misses]``. Sentences with
identifiers (``benchmarks/identifiers``) are put between the lines of synthetic notes. An identifier is found when every
letter and digit of it was replaced, whatever kind it was taken for; partly found ones count as missed. There are two rows:
what the patterns were developed on, and what they were not (other sentences, other names, more forms of dates, another seed).
One hand wrote both and the patterns: on notes of other people it finds less. What it costs is counted on the planted
sentences (replacements that touch no identifier) and on gold entities (those that share a code point with a replacement) of
synthetic notes and, with ``--corpora``, of published texts.
"""

import argparse
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.corpora import phee
from benchmarks.identifiers.planting import Planted, plant
from benchmarks.identifiers.sentences import DEVELOPMENT, HELD_OUT
from benchmarks.identifiers.values import DEVELOPMENT_VALUES, HELD_OUT_VALUES, Values
from clinical_ner.corpora.label_map import LabelMap
from clinical_ner.corpora.reading import read_corpus
from clinical_ner.corpora.synthetic import Shift, synthesize
from clinical_ner.deidentify import Deidentifier
from clinical_ner.deidentify.names import frequent_names
from clinical_ner.documents import Document, ScoredEntity
from clinical_ner.kpi.intervals import wilson

MAX_MILLISECONDS = 20
SHIFTS = {
    "synthetic notes": Shift(),
    "synthetic notes, new diseases and treatments": Shift(new_diseases=1, new_treatments=1),
    "synthetic notes of another site": Shift(new_site=1),
}
"""What annotators must see most is what is new."""
LISTED = frozenset(f"{frequent_names('given_names')}|{frequent_names('surnames')}".split("|"))


class Part(NamedTuple):
    """What is planted."""

    name: str
    sentences: tuple[str, ...]
    values: Values
    seed: int


class Found(NamedTuple):
    """What came of a part: outcomes by kind, and replacements in the planted sentences, of which ``needless`` hit nothing."""

    outcomes: dict[str, Counter[str]]
    replacements: int
    needless: int
    misses: Counter[tuple[str, str]]
    touched: Counter[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--corpora", type=Path)
    parser.add_argument("--show-development-misses", action="store_true")
    options = parser.parse_args()
    deidentifier = Deidentifier()
    developed = Part("developed on", DEVELOPMENT, DEVELOPMENT_VALUES, options.seed + 1)
    held_out = Part("held out", HELD_OUT, HELD_OUT_VALUES, options.seed)
    for part in (developed, held_out):
        found = measure(deidentifier, part, options.notes)
        report(part.name, found)
        if options.show_development_misses and part is developed:
            show(found)
    for name, shift in SHIFTS.items():
        report_cost(deidentifier, name, synthesize(options.notes, seed=options.seed, shift=shift))
    if options.corpora:
        for name, documents in published(options.corpora, "train" if options.show_development_misses else "dev"):
            report_cost(deidentifier, name, documents)


def published(corpora: Path, part: str) -> Iterator[tuple[str, list[Document]]]:
    """Abstracts and case reports, which name diseases and drugs as people write them; ``train`` to develop on."""
    words = {"train": ("Training", "train"), "dev": ("Development", "develop")}[part]
    paths = (f"bc5cdr/CDR_{words[0]}Set.PubTator.txt", f"ncbi-disease/NCBI{words[1]}set_corpus.txt")
    for name, path in zip(("BC5CDR", "NCBI disease"), paths, strict=True):
        reading = read_corpus(str(corpora / path), "pubtator", label_map=LabelMap.parse(""), max_note_bytes=1_000_000)
        yield f"{name} ({part})", reading.documents
    yield f"PHEE ({part})", phee.convert((corpora / "phee" / f"{part}.json").read_bytes())


def measure(deidentifier: Deidentifier, part: Part, notes: int) -> Found:
    """Plant the part's sentences in that many notes and look for their identifiers."""
    outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    found = Found(outcomes, 0, 0, Counter(), Counter())
    for number, document in enumerate(synthesize(notes, seed=part.seed)):
        note = plant(document.text, part.sentences, part.values, random.Random(f"{part.seed}-{number}"))
        replaced = deidentifier.deidentify(note.text).identifiers
        covered = {place for each in replaced for place in range(each.start, each.end)}
        for each in note.identifiers:
            outcome = outcome_of(each, note.text, covered)
            for kind in kinds(each, note.text):
                outcomes[kind][outcome] += 1
            if outcome != "found":
                found.misses[each.sentence, note.text[each.start : each.end]] += 1
        planted = {place for each in note.identifiers for place in range(each.start, each.end)}
        inside = [each for each in replaced if any(start <= each.start < end for start, end in note.sentences)]
        needless = [each for each in inside if planted.isdisjoint(range(each.start, each.end))]
        found.touched.update(note.text[each.start : each.end] for each in needless)
        found = found._replace(replacements=found.replacements + len(inside), needless=found.needless + len(needless))
    return found


def outcome_of(planted: Planted, text: str, covered: set[int]) -> str:
    letters = [place for place in range(planted.start, planted.end) if text[place].isalnum()]
    left = [place for place in letters if place not in covered]
    return "found" if not left else "missed" if len(left) == len(letters) else "partly"


def kinds(planted: Planted, text: str) -> list[str]:
    if planted.kind != "NAME":
        return [planted.kind]
    words = re.findall(r"[\w']{2,}", text[planted.start : planted.end])
    listed = any(word in LISTED for word in words)
    return ["NAME", "  of these with a frequent name" if listed else "  of these on no list"]


def report(name: str, found: Found) -> None:
    print(f"\n{name}: recall\n{'kind':<36}{'n':>7}{'found':>8}{'partly':>8}{'missed':>8}   recall (95 %)")
    for kind in sorted(found.outcomes, key=lambda kind: (kind.strip() != kind, kind)):
        outcomes = found.outcomes[kind]
        n, hits = outcomes.total(), outcomes["found"]
        low, high = wilson(hits / n, n)
        counts = f"{n:>7}{hits:>8}{outcomes['partly']:>8}{outcomes['missed']:>8}"
        print(f"{kind:<36}{counts}   {hits / n:.3f} ({low:.3f} to {high:.3f})")
    right = found.replacements - found.needless
    print(
        f"precision in the planted sentences: {right / found.replacements:.3f} ({right} of {found.replacements} replacements)"
    )


def show(found: Found) -> None:
    """What a developer looks at; of the held-out part nobody does."""
    for (sentence, value), _ in found.misses.most_common(25):
        print(f"  missed {value!r} in {sentence!r}")
    for value, count in found.touched.most_common(15):
        print(f"  needless {count}: {value!r}")


def report_cost(deidentifier: Deidentifier, name: str, documents: Sequence[Document]) -> None:
    started = time.perf_counter()
    safe = [deidentifier.deidentify(document.text) for document in documents]
    milliseconds = (time.perf_counter() - started) / len(documents) * 1000
    total = sum(len(document.entities) for document in documents)
    damaged = sum(
        each.move([ScoredEntity(*span, 1.0) for span in document.entities]).dropped
        for each, document in zip(safe, documents, strict=True)
    )
    replaced = Counter(identifier.kind.value for each in safe for identifier in each.identifiers)
    print(
        f"\n{name}: {len(documents)} as they are: {milliseconds:.2f} ms each (bound {MAX_MILLISECONDS}); "
        f"gold entities damaged {damaged} of {total} ({damaged / total:.2%})"
    )
    print(f"replaced: {', '.join(f'{kind} {count}' for kind, count in replaced.most_common())}")


if __name__ == "__main__":
    main()
