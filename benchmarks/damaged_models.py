"""Damaged models: each is refused with the library's own error, or answers as it did; none ends the process.

``python -m benchmarks.damaged_models [--models 10000]`` damages one file of a trained model at a time (cut, bits flipped, bytes
overwritten, doubled or taken out) and loads it, in a process of its own that loads one after the other. A process that dies by
a signal is a crash; a model that loads and finds other entities in 20 notes is a silent mislabel. Exits with 1 when there is
either.
"""

import argparse
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.progress import track

from benchmarks.serving import train
from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.errors import ModelFormatError
from clinical_ner.model_package import read_model_folder
from clinical_ner.tagger import Tagger

REFUSED, SAME, OTHER, ERROR = b"r", b"s", b"o", b"e"
MEANINGS = {REFUSED: "refused", SAME: "answer as before", OTHER: "answer otherwise", ERROR: "another error"}
CRASHED = "crashed the process"
Damage = Callable[[bytes, random.Random], bytes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=10_000)
    models = parser.parse_args().models
    with tempfile.TemporaryDirectory() as name:
        files = read_model_folder(train(Path(name) / "model"))
    notes = [note.text for note in synthesize(20, seed=9)]
    found: Counter[str] = Counter()
    with tempfile.TemporaryFile() as outcomes:
        next_model = 0
        while next_model < models:
            status = load_in_a_process(files, notes, range(next_model, models), outcomes.fileno())
            next_model = os.fstat(outcomes.fileno()).st_size
            if status:
                os.write(outcomes.fileno(), b"c")
                next_model += 1
        outcomes.seek(0)
        letters = outcomes.read()
    found.update(MEANINGS.get(bytes([letter]), CRASHED) for letter in letters)
    for meaning, count in found.most_common():
        print(f"{count:7,} of {models:,} {meaning}")
    bad = {meaning: found[meaning] for meaning in (CRASHED, MEANINGS[OTHER], MEANINGS[ERROR])}
    print(f"target: 0 crashes, 0 silent mislabels, 0 other errors; found {', '.join(map(str, bad.values()))}")
    sys.exit(bool(sum(bad.values())))


def load_in_a_process(files: Mapping[str, bytes], notes: Sequence[str], numbers: range, outcomes: int) -> int:
    """Load the models of these numbers in a child, which writes a letter after each; its exit status, not 0 when it died."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            expected = answers(Tagger.from_files(files), notes)
            for number in track(numbers, "loading"):
                os.write(outcomes, outcome_of(damaged(files, number), notes, expected))
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def outcome_of(files: Mapping[str, bytes], notes: Sequence[str], expected: list[object]) -> bytes:
    try:
        tagger = Tagger.from_files(files)
        return SAME if answers(tagger, notes) == expected else OTHER
    except ModelFormatError:
        return REFUSED
    except Exception:  # noqa: BLE001  # whatever it is, it is no answer and no refusal
        return ERROR


def answers(tagger: Tagger, notes: Sequence[str]) -> list[object]:
    return [tagger.annotate(note).entities for note in notes]


def damaged(files: Mapping[str, bytes], number: int) -> dict[str, bytes]:
    """The model with one file changed, the same for the same number; every second time it is the CRF."""
    draw = random.Random(number)
    paths = sorted(path for path, data in files.items() if data)
    path = "model.crfsuite" if number % 2 else draw.choice(paths)
    data = files[path]
    changes = (draw.choice(DAMAGES)(data, draw) for _ in range(100))
    return {**files, path: next(change for change in changes if change != data)}


def cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


def flip(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 8, 64))):
        changed[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def overwrite(data: bytes, draw: random.Random) -> bytes:
    start, end = span(data, draw)
    return data[:start] + draw.choice((bytes(end - start), draw.randbytes(end - start))) + data[end:]


def double(data: bytes, draw: random.Random) -> bytes:
    start, end = span(data, draw)
    return data[:end] + data[start:]


def take_out(data: bytes, draw: random.Random) -> bytes:
    start, end = span(data, draw)
    return data[:start] + data[end:]


def span(data: bytes, draw: random.Random) -> tuple[int, int]:
    start = draw.randrange(len(data))
    return start, min(len(data), start + draw.choice((1, 4, 16, 512, 65_536)))


DAMAGES: tuple[Damage, ...] = (cut, flip, overwrite, double, take_out)


if __name__ == "__main__":
    main()
