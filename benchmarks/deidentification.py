"""How much of made-up identifiers the de-identification finds, and what it costs.

``python -m benchmarks.deidentification [--notes 2000] [--show-development-misses]``. Sentences with identifiers
(``benchmarks/identifiers``) are put between the lines of synthetic notes. An identifier is found when every letter and digit
of it was replaced, whatever kind it was taken for; partly found ones count as missed. The held-out sentences were not looked at
while patterns were written, the forms of values (of dates, numbers, names) were: on notes of other forms it finds less.
"""

import argparse
import random
import re
import time
from collections import Counter, defaultdict
from typing import NamedTuple

from benchmarks.identifiers.sentences import DEVELOPMENT, HELD_OUT
from benchmarks.identifiers.values import KIND_OF, LISTED, VALUES
from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.deidentify import Deidentifier
from clinical_ner.documents import ScoredEntity
from clinical_ner.kpi.intervals import wilson

_SLOT = re.compile(r"\{([A-Z]+)\}")
SENTENCES_A_NOTE = 4


class Planted(NamedTuple):
    """An identifier put at ``start`` to ``end``, with the sentence that it came in."""

    kind: str
    start: int
    end: int
    sentence: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--show-development-misses", action="store_true")
    options = parser.parse_args()
    deidentifier = Deidentifier()
    for name, sentences in (("development sentences", DEVELOPMENT), ("held-out sentences", HELD_OUT)):
        show = options.show_development_misses and sentences is DEVELOPMENT
        report_recall(name, measure_recall(deidentifier, sentences, options.notes, options.seed, show=show))
    report_cost(deidentifier, options.notes, options.seed)


def measure_recall(deidentifier: Deidentifier, sentences: tuple[str, ...], notes: int, seed: int, *, show: bool) -> dict:
    """Found, missed and partly found, by kind."""
    counts: defaultdict[str, Counter] = defaultdict(Counter)
    misses: Counter = Counter()
    for number, document in enumerate(synthesize(notes, seed=seed)):
        text, planted = plant(document.text, sentences, random.Random(f"{seed}-{number}"))
        covered = {place for each in deidentifier.identify(text) for place in range(each.start, each.end)}
        for each in planted:
            letters = [place for place in range(each.start, each.end) if text[place].isalnum()]
            left = [place for place in letters if place not in covered]
            outcome = "found" if not left else "missed" if len(left) == len(letters) else "partly"
            for kind in kinds(each, text):
                counts[kind][outcome] += 1
            if left and show:
                misses[each.sentence, text[each.start : each.end]] += 1
    for (sentence, value), _ in misses.most_common(12):
        print(f"  missed {value!r} in {sentence!r}")
    return counts


def kinds(planted: Planted, text: str) -> list[str]:
    if planted.kind != "NAME":
        return [planted.kind]
    words = re.findall(r"[\w']{2,}", text[planted.start : planted.end])
    listed = any(word.title().replace("'B", "'B") in LISTED for word in words)
    return ["NAME", "  of these with a frequent name" if listed else "  of these on no list"]


def plant(text: str, sentences: tuple[str, ...], dice: random.Random) -> tuple[str, list[Planted]]:
    """The note with sentences put between its lines, and where their identifiers are."""
    lines: list[str | tuple[str, list[Planted]]] = list(text.split("\n"))
    for _ in range(SENTENCES_A_NOTE):
        lines.insert(dice.randint(0, len(lines)), fill(dice.choice(sentences), dice))
    whole, planted = "", []
    for line in lines:
        content, found = (line, []) if isinstance(line, str) else line
        planted += [each._replace(start=each.start + len(whole), end=each.end + len(whole)) for each in found]
        whole += content + "\n"
    return whole, planted


def fill(sentence: str, dice: random.Random) -> tuple[str, list[Planted]]:
    text, planted, end = "", [], 0
    for slot in _SLOT.finditer(sentence):
        value = VALUES[slot[1]](dice)
        text += sentence[end : slot.start()]
        planted.append(Planted(KIND_OF[slot[1]], len(text), len(text) + len(value), sentence))
        text, end = text + value, slot.end()
    return text + sentence[end:], planted


def report_recall(name: str, counts: dict) -> None:
    print(f"\n{name}: recall\n{'kind':<36}{'n':>7}{'found':>8}{'partly':>8}{'missed':>8}   recall (95 %)")
    for kind in sorted(counts, key=lambda kind: (kind.strip() != kind, kind)):
        found, n = counts[kind]["found"], counts[kind].total()
        low, high = wilson(found / n, n)
        partly, missed = counts[kind]["partly"], counts[kind]["missed"]
        print(f"{kind:<36}{n:>7}{found:>8}{partly:>8}{missed:>8}   {found / n:.3f} ({low:.3f} to {high:.3f})")


def report_cost(deidentifier: Deidentifier, notes: int, seed: int) -> None:
    documents = synthesize(notes, seed=seed)
    started = time.perf_counter()
    safe = [deidentifier.deidentify(document.text) for document in documents]
    milliseconds = (time.perf_counter() - started) / notes * 1000
    total = sum(len(document.entities) for document in documents)
    dropped = sum(
        each.move([ScoredEntity(*span, 1.0) for span in document.entities]).dropped
        for each, document in zip(safe, documents, strict=True)
    )
    replaced = Counter(identifier.kind.value for each in safe for identifier in each.identifiers)
    print(f"\nnotes as they are: {milliseconds:.2f} ms a note; entities dropped {dropped} of {total} ({dropped / total:.2%})")
    print(f"replaced in {notes} of them: {', '.join(f'{kind} {count}' for kind, count in replaced.most_common())}")


if __name__ == "__main__":
    main()
