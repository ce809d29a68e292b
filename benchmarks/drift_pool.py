"""Generated and tagged notes as tables of the inference log, kept as Parquet: what the drift benchmark draws from."""

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from clinical_ner.corpora.synthetic import Shift, iter_notes
from clinical_ner.corpora.synthetic.patients import patient_number
from clinical_ner.drift.columns import table_of_annotations
from clinical_ner.features import FeatureSpec
from clinical_ner.model_package import MANIFEST, parse_manifest, read_model_folder, write_model_folder
from clinical_ner.tagger import Tagger
from clinical_ner.tokenization import Tokenizer
from clinical_ner.training import CrfParameters, label_document, train_model

TRAINING_SEED = 901
TRAINING_NOTES = 1_000
NOTES_OF_A_PART = 5_000
BLOCK = 10
"""Consecutive notes that hold whole patients."""
PATIENTS_OF_BLOCK = tuple(patient_number(note) for note in range(BLOCK))


@dataclass(frozen=True)
class Part:
    """Notes of one seed and shift, tagged by the benchmark's model; a file of its own."""

    folder: Path
    seed: int
    notes: int
    shift: str = ""

    @property
    def path(self) -> Path:
        return self.folder / f"notes-{self.seed}-{self.notes}-{self.shift or 'unshifted'}.parquet"


def make_model(folder: Path) -> Tagger:
    """The model that tags all notes, trained on notes of a seed that nothing else here has."""
    path = folder / "model"
    if not path.exists():
        notes = list(islice(iter_notes(seed=TRAINING_SEED), TRAINING_NOTES))
        tokenizer = Tokenizer()
        sentences = [sentence for note in notes for sentence in label_document(note, tokenizer)[0]]
        files = train_model(
            sentences,
            name="clinical-ner",
            parameters=CrfParameters(max_iterations=60),
            spec=FeatureSpec(),
            datasets={},
            provenance={},
        )
        write_model_folder(files, path)
    return Tagger.from_files(read_model_folder(path))


def make_table(folder: Path, *, first_seed: int, notes: int, shift: str = "", processes: int = 2) -> pa.Table:
    """``notes`` tagged notes, each 5,000 of a seed of their own from ``first_seed`` on; made once, then read."""
    starts = range(0, notes, NOTES_OF_A_PART)
    parts = [
        Part(folder, first_seed + number, min(NOTES_OF_A_PART, notes - start), shift) for number, start in enumerate(starts)
    ]
    missing = [part for part in parts if not part.path.exists()]
    if missing:
        make_model(folder)
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            pool.map(_write_part, missing, chunksize=1)
    return pa.concat_tables(pq.read_table(part.path) for part in parts).combine_chunks()


def _write_part(part: Part) -> None:
    tagger = make_model(part.folder)
    documents = list(islice(iter_notes(seed=part.seed, shift=Shift.parse(part.shift)), part.notes))
    table = table_of_annotations(documents, [tagger.annotate(document.text) for document in documents])
    temporary = part.path.with_suffix(".partial")
    pq.write_table(table, temporary, compression="zstd")
    temporary.rename(part.path)


def labels_of(folder: Path) -> Sequence[str]:
    """The model's, also of a model that an earlier release of this library made."""
    return parse_manifest((folder / "model" / MANIFEST).read_bytes()).labels
