"""Novelty: the rate of unknown words and their hashes new to the window, on undrifted and on shifted windows; false alerts.

The rules' defaults were chosen on notes of other seeds (5,000 to 5,019 and 8,000).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.drift_pool import BLOCK, PATIENTS_OF_BLOCK, make_model
from benchmarks.verdicts import upper_bound, verdict
from clinical_ner.clock import utc_now
from clinical_ner.corpora.synthetic import Shift, iter_notes
from clinical_ner.drift.columns import columns_of, table_of_annotations
from clinical_ner.drift.novelty import Novelty, measure_novelty
from clinical_ner.drift.profile import Model, profile_table
from clinical_ner.drift.reference import Reference, reference_of_columns
from clinical_ner.drift.rules import DriftRules
from clinical_ner.drift.unknown_words import compare_words, count_words
from clinical_ner.drift.windows import judge_window
from clinical_ner.inference_log.record import hash_words
from clinical_ner.tagger import Tagger

MODEL = Model("clinical-ner", "v1", "sha256:benchmark")
KEY = b"key of the drift benchmark"
REFERENCE_SEED, PLAIN_SEED, SHIFTED_SEED = 11_000, 11_100, 11_200
REFERENCE_NOTES, PLAIN_NOTES, SHIFTED_NOTES = 1_000, 12_000, 1_000
WINDOWS = ((100, 700), (200, 1_400), (500, 3_500), (1_000, 7_000))
"""Notes of a window, and of the look-back before it."""
SHIFTS = ("new_diseases", "new_diseases=0.1", "new_treatments", "new_site", "other_style")
FOUND = "new_diseases"
SHIFTED_WINDOWS = 20
MAX_FALSE_ALERTS = 0.01


@dataclass(frozen=True)
class Notes:
    """Tagged notes with hashes: a reference, undrifted ones, and those of each shift."""

    labels: Sequence[str]
    reference: Reference
    plain: pa.Table
    shifted: dict[str, pa.Table]
    generator: np.random.Generator

    def draw(self, table: pa.Table, notes: int) -> pa.Table:
        """Whole blocks at random, which hold whole patients, without repetition."""
        blocks = self.generator.choice(len(table) // BLOCK, notes // BLOCK, replace=False)
        return table.take((blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel())

    def judge(self, window: pa.Table, earlier: pa.Table) -> Novelty:
        now = utc_now()
        profile = profile_table(window, MODEL, self.labels)
        judged = judge_window(profile, self.reference, start=now, end=now, rules=DriftRules())
        return measure_novelty(profile, judged, compare_words(count_words(window), count_words(earlier)))


def _tag(tagger: Tagger, seed: int, notes: int, shift: str = "") -> pa.Table:
    documents = list(islice(iter_notes(seed=seed, shift=Shift.parse(shift)), notes))
    annotations = [tagger.annotate(document.text) for document in documents]
    hashes = [hash_words(annotation.unknown_words, KEY) for annotation in annotations]
    table = table_of_annotations(documents, annotations).append_column("status", pa.array(["ok"] * notes))
    return table.append_column("unknown_hashes", pa.array(hashes, pa.list_(pa.string())))


def _make_notes(folder: Path, *, quick: bool) -> Notes:
    tagger = make_model(folder)
    blocks = np.arange(REFERENCE_NOTES // BLOCK) * (max(PATIENTS_OF_BLOCK) + 1)
    patients = np.repeat(blocks, BLOCK) + np.tile(PATIENTS_OF_BLOCK, len(blocks))
    labels = tagger.manifest.labels
    reference = columns_of(_tag(tagger, REFERENCE_SEED, REFERENCE_NOTES), labels)
    return Notes(
        labels,
        reference_of_columns(reference, patients, MODEL),
        _tag(tagger, PLAIN_SEED, PLAIN_NOTES // 3 if quick else PLAIN_NOTES),
        {shift: _tag(tagger, SHIFTED_SEED, SHIFTED_NOTES, shift) for shift in SHIFTS},
        np.random.default_rng(7),
    )


def measure(folder: Path, quick: bool) -> bool:
    """Alerts: in at most one of a hundred undrifted windows, and in all windows with the drill's new diseases."""
    notes = _make_notes(folder, quick=quick)
    rounds = 20 if quick else 500
    print(
        f"\nNovelty: {rounds} undrifted windows a row and {SHIFTED_WINDOWS} shifted ones; reference {REFERENCE_NOTES:,} notes"
    )
    print("Means: unknown words in the reference and the window; share of different words that no earlier note had; the same")
    print("of words that recur, and the share that chance gives.")
    heads = f"{'reference':>10}{'window':>8}{'new':>8}{'recurring':>11}{'chance':>8}{'alerts':>11}"
    print(f"{'window':>7}{'before':>7}  {'shift':<17}{heads}")
    alerts, windows, found = 0, 0, True
    for size, before in WINDOWS[:2] if quick else WINDOWS:
        plain = [notes.draw(notes.plain, size + before) for _ in range(rounds)]
        undrifted = [notes.judge(table.slice(0, size), table.slice(size)) for table in plain]
        _print_row(size, before, "none", undrifted)
        alerts, windows = alerts + _count(undrifted), windows + rounds
        for shift, table in notes.shifted.items():
            drawn = ((notes.draw(table, size), notes.draw(notes.plain, before)) for _ in range(SHIFTED_WINDOWS))
            shifted = [notes.judge(window, earlier) for window, earlier in drawn]
            _print_row(size, before, shift, shifted)
            found &= shift != FOUND or _count(shifted) == SHIFTED_WINDOWS
    bound = upper_bound(alerts, windows)
    few = quick or bound <= MAX_FALSE_ALERTS
    print(f"false alerts: {alerts} of {windows:,} undrifted windows, 95 % bound {bound:.2%} {verdict(few)}")
    print(f"alerts in all windows with {FOUND} {verdict(found)}")
    return few and found


def _count(windows: Sequence[Novelty]) -> int:
    return sum(novelty.alert for novelty in windows)


def _print_row(size: int, before: int, shift: str, windows: Sequence[Novelty]) -> None:
    shares = [
        (
            novelty.reference_rate or 0.0,
            novelty.unknown_rate,
            novelty.new_share,
            novelty.recurring_new_share,
            novelty.words.recurring_new_by_chance / max(novelty.words.recurring, 1) if novelty.words else 0.0,
        )
        for novelty in windows
    ]
    texts = [f"{share:.1%}" for share in np.mean(shares, axis=0)]
    row = "".join(f"{text:>{width}}" for text, width in zip(texts, (10, 8, 8, 11, 8), strict=True))
    print(f"{size:>7,}{before:>7,}  {shift:<17}{row}{_count(windows):>5} of {len(windows):<4}", flush=True)
