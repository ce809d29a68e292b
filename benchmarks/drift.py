"""Drift, measured: false alarms, a year without drift, power against Evidently, the anchor, speed, novelty. 1 on a FAIL.

    python -m benchmarks.drift [--quick] [--only false-alarms,year,power,anchor,speed,novelty] [--work-folder drift-benchmark]

Notes are generated and tagged once, by a model trained here, and kept as Parquet in the work folder (100,000 for windows,
40,000 of other seeds for references). Blocks of ten consecutive notes are drawn, which hold whole patients: notes are
not independent. Novelty has notes of its own, made anew each time, and needs no other.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks import drift_evidently, drift_novelty, drift_speed
from benchmarks.drift_pool import BLOCK, PATIENTS_OF_BLOCK, labels_of, make_table
from benchmarks.verdicts import upper_bound, verdict
from clinical_ner.drift.bins import binning_of
from clinical_ner.drift.columns import NoteColumns, columns_of
from clinical_ner.drift.deviation import compare, deviation_of
from clinical_ner.drift.profile import Model, Profile, profile_of, profile_table
from clinical_ner.drift.reference import Reference, reference_of_columns
from clinical_ner.drift.rules import DriftRules

MODEL = Model("clinical-ner", "v1", "sha256:benchmark")
RULES = DriftRules()
REFERENCE_SIZES = (300, 1_000, 10_000)
WINDOW_SIZES = (50, 100, 200, 500, 1_000, 10_000)
REFERENCES = 100
MAX_FALSE_ALARMS = 0.01
HOURS_OF_A_YEAR = 8_760
NOTES_AN_HOUR = 60
SHIFTS = ("new_diseases", "new_treatments", "new_site", "other_style")
LEVELS = (0.02, 0.05, 0.1)
ANCHORS = (2.0, 5.0, 10.0, 20.0)


@dataclass(frozen=True)
class Pool:
    """Tagged notes to draw from."""

    references: pa.Table
    windows: pa.Table
    labels: Sequence[str]
    folder: Path
    generator: np.random.Generator

    def draw(self, table: pa.Table, notes: int) -> pa.Table:
        """Whole blocks at random, without repetition."""
        blocks = self.generator.choice(len(table) // BLOCK, notes // BLOCK, replace=False)
        return table.take((blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel())

    def reference_columns(self, notes: int) -> tuple[NoteColumns, np.ndarray]:
        """A reference's columns, and the patient of each note."""
        columns = columns_of(self.draw(self.references, notes), self.labels)
        blocks = notes // BLOCK
        patients = np.repeat(np.arange(blocks) * (max(PATIENTS_OF_BLOCK) + 1), BLOCK) + np.tile(PATIENTS_OF_BLOCK, blocks)
        return columns, patients

    def reference(self, notes: int) -> Reference:
        return reference_of_columns(*self.reference_columns(notes), MODEL)

    def window(self, notes: int) -> Profile:
        return profile_table(self.draw(self.windows, notes), MODEL, self.labels)


def measure_false_alarms(pool: Pool, quick: bool) -> bool:
    """Share of undrifted windows, each by itself, that read as retrain or experiment."""
    windows = 200 if quick else 2_000
    print(
        f"\nFalse alarms: {windows:,} undrifted windows a row, each against one of {REFERENCES} references, one window deciding"
    )
    print(f"{'reference':>9} {'window':>7} {'alarms':>7} {'95 % bound':>11} {'watch':>6}   {'seconds':>7}")
    passed = True
    for size in REFERENCE_SIZES:
        references = [pool.reference(size) for _ in range(REFERENCES)]
        for notes in WINDOW_SIZES:
            passed &= _measure_cell(pool, references, notes, windows, quick)
    return passed


def _measure_cell(pool: Pool, references: Sequence[Reference], notes: int, windows: int, quick: bool) -> bool:
    began = time.perf_counter()
    bands = [
        RULES.band(deviation_of(compare(references[number % len(references)], pool.window(notes)))) for number in range(windows)
    ]
    alarms = sum(band in {"retrain", "experiment"} for band in bands)
    bound = upper_bound(alarms, windows)
    passed = quick or bound <= MAX_FALSE_ALARMS
    watched = bands.count("watch") / windows
    seconds = time.perf_counter() - began
    print(
        f"{references[0].profile.notes:>9,} {notes:>7,} {alarms:>7} {bound:>10.2%} {watched:>7.1%}  {seconds:>7.0f}"
        f"   {verdict(passed) if not quick else 'too few to judge'}",
        flush=True,
    )
    return passed


def measure_year(pool: Pool, quick: bool) -> bool:
    """Decisions of two consecutive windows, hour by hour, against one reference; a resubmission restarts nothing here."""
    hours = 500 if quick else HOURS_OF_A_YEAR
    passed = True
    print(f"\nUndrifted year: {hours:,} hourly windows of about {NOTES_AN_HOUR} notes, two in a row deciding; 1 allowed")
    for size in REFERENCE_SIZES:
        reference = pool.reference(size)
        resubmissions, single = _count_resubmissions(pool, reference, hours)
        passed &= resubmissions <= 1
        print(
            f"reference {size:>6,}: {resubmissions} resubmissions ({single} single windows) {verdict(resubmissions <= 1)}",
            flush=True,
        )
    return passed


def _count_resubmissions(pool: Pool, reference: Reference, hours: int) -> tuple[int, int]:
    before: dict[str, float] = {}
    resubmissions = single = 0
    for _ in range(hours):
        notes = max(BLOCK, int(pool.generator.poisson(NOTES_AN_HOUR / BLOCK)) * BLOCK)
        columns = compare(reference, pool.window(notes)) if notes >= RULES.min_window_notes else []
        now = {column.column: column.deviation for column in columns if column.beyond_noise}
        single += max(now.values(), default=0.0) >= RULES.retrain_percent
        lasting = max((min(now[name], before[name]) for name in now.keys() & before.keys()), default=0.0)
        resubmissions += lasting >= RULES.retrain_percent
        before = now
    return resubmissions, single


def measure_power(pool: Pool, quick: bool) -> bool:
    """Share of shifted windows of 1,000 notes that are found, against Evidently's defaults."""
    windows = 20 if quick else 200
    passed = True
    print(f"\nPower: {windows} windows of 1,000 notes a row. Evidently's default verdict on a window: half of its columns.")
    print("'any': one column is enough (row 'none' shows its false alarms); 'any, equal': its limit raised to as few as ours.")
    header = ("half", "any", "any, equal", "ours: found", "retrain+")
    for size in REFERENCE_SIZES[1:]:
        print(f"reference {size:,}\n{'shift':<22}" + "".join(f"{name:>12}" for name in header))
        rivals = drift_evidently.Rivals(pool, size, nulls=40 if quick else 400)
        for shift in ("", *(f"{knob}={level:g}" for knob in SHIFTS for level in LEVELS)):
            table = make_table(pool.folder, first_seed=3_000, notes=4_000, shift=shift) if shift else pool.windows
            shares = rivals.measure([pool.draw(table, 1_000) for _ in range(windows)])
            good = not shift or shares[3] >= shares[0]
            passed &= good
            print(f"{shift or 'none':<22}" + "".join(f"{share:>12.3f}" for share in shares) + f"   {verdict(good)}", flush=True)
    return passed


def measure_anchor(pool: Pool, quick: bool) -> bool:
    """Replace x % of a window's notes by notes outside the reference; the column reads x +- 1."""
    rounds = 5 if quick else 50
    passed = True
    print(f"\nAnchor: x % of the notes outside the reference reads x +- 1; over 5 columns and {rounds} windows a row")
    for size, notes in ((1_000, 1_000), (10_000, 1_000), (10_000, 10_000)):
        for percent in ANCHORS:
            readings = [_read_anchor(pool, size, notes, percent) for _ in range(rounds)]
            values = np.concatenate(readings)
            good = abs(values.mean() - percent) <= 1
            passed &= bool(good)
            close = np.mean(abs(values - percent) <= 1)
            print(
                f"reference {size:>6,} window {notes:>6,} x {percent:>4.0f}: mean {values.mean():6.2f}  "
                f"least {values.min():6.2f}  most {values.max():6.2f}  within 1: {close:4.0%} {verdict(bool(good))}",
                flush=True,
            )
    return passed


def _read_anchor(pool: Pool, size: int, notes: int, percent: float) -> np.ndarray:
    """The deviation of each column of one value a note, after notes with values above all others were put in."""
    reference = pool.reference(size)
    columns = columns_of(pool.draw(pool.windows, notes), pool.labels)
    names = ("characters", "tokens", "oov_rate", *(f"entities_per_100_tokens.{label}" for label in pool.labels))
    chosen = pool.generator.choice(notes, round(notes * percent / 100), replace=False)
    values = dict(columns.values)
    for name in names:
        values[name] = values[name].copy()
        top = binning_of(reference.profile.columns[name]).edges[-1]
        values[name][chosen] = 1.0 if name == "oov_rate" else 99.0 if name.startswith("entities") else 10.0 * top
    window = profile_of(type(columns)(columns.notes, 0, values, columns.owners, columns.categories), MODEL)
    return np.array([column.deviation for column in compare(reference, window) if column.column in names])


MEASURES: dict[str, Callable[[Pool, bool], bool]] = {
    "false-alarms": measure_false_alarms,
    "year": measure_year,
    "power": measure_power,
    "anchor": measure_anchor,
    "speed": drift_speed.measure,
}
NOVELTY = "novelty"


def run(names: Sequence[str], folder: Path, quick: bool) -> Iterator[bool]:
    folder.mkdir(parents=True, exist_ok=True)
    if set(names) - {NOVELTY}:
        pool = make_pool(folder, quick)
        yield from (MEASURES[name](pool, quick) for name in names if name != NOVELTY)
    if NOVELTY in names:
        yield drift_novelty.measure(folder, quick)


def make_pool(folder: Path, quick: bool) -> Pool:
    began = time.perf_counter()
    sizes = (10_000, 40_000) if quick else (40_000, 100_000)
    references, windows = (
        make_table(folder, first_seed=seed, notes=notes) for seed, notes in zip((2_000, 1_000), sizes, strict=True)
    )
    print(
        f"{len(references):,} tagged notes for references, {len(windows):,} for windows ({time.perf_counter() - began:.0f} s)"
    )
    return Pool(references, windows, labels_of(folder), folder, np.random.default_rng(7))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*MEASURES, NOVELTY]
    parser.add_argument("--quick", action="store_true", help="fewer windows: shows that it runs, bounds are not judged")
    parser.add_argument("--only", default=",".join(names), help="comma-separated: " + ", ".join(names))
    parser.add_argument("--work-folder", type=Path, default=Path("drift-benchmark"))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    results = list(run(arguments.only.split(","), arguments.work_folder, arguments.quick))
    print(f"\n{verdict(all(results))}: {sum(results)} of {len(results)} parts")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
