"""The reference of a model version: the profile of its answers on its test notes, and how far notes of a patient go together.

A patient's notes resemble each other, and so do the entities of a note: a hundred of them say less than a hundred independent
ones. By how much is the design effect (Kish 1965), estimated here, where patients are known; the log knows none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from clinical_ner.documents import Document
from clinical_ner.drift.bins import binning_of
from clinical_ner.drift.columns import NoteColumns, columns_of, table_of_annotations
from clinical_ner.drift.grid import grid_of
from clinical_ner.drift.profile import Model, Profile, parse_profile, profile_of
from clinical_ner.errors import DataError
from clinical_ner.tagger import Annotation


@dataclass(frozen=True, slots=True)
class Reference:
    """A profile, and for each of its columns the design effect, at least 1."""

    profile: Profile
    design_effects: Mapping[str, float]

    def to_json(self) -> bytes:
        """Canonical JSON, as ``release/reference-profile.json`` holds it."""
        record = {"profile": self.profile.as_record(), "design_effects": dict(self.design_effects)}
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def reference_of(
    documents: Sequence[Document], annotations: Sequence[Annotation], *, model: Model, labels: Sequence[str]
) -> Reference:
    """The reference from a model's answers on documents, in the documents' order; ``Document.group`` is the patient."""
    patients = np.unique([document.group for document in documents], return_inverse=True)[1]
    return reference_of_columns(columns_of(table_of_annotations(documents, annotations), labels), patients, model)


def reference_of_columns(columns: NoteColumns, patients: NDArray[np.int64], model: Model) -> Reference:
    """The reference from column values; ``patients``, shape (notes,), numbers each note's patient."""
    effects = {}
    for name, values in columns.values.items():
        indices = grid_of(name).index(values)
        effects[name] = round(design_effect(indices, patients[columns.owners[name]]), 4) if len(indices) else 1.0
    return Reference(profile_of(columns, model), effects)


def parse_reference(data: bytes) -> Reference:
    """A reference from its file.

    Raises:
        DataError: it is damaged, or of a newer format.
    """
    try:
        record = orjson.loads(data)
        effects = {name: float(value) for name, value in record["design_effects"].items()}
        profile = parse_profile(record["profile"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError("reference profile: damaged; make it anew by evaluating the model version") from error
    if effects.keys() != profile.columns.keys() or not all(effect >= 1 for effect in effects.values()):
        raise DataError("reference profile: needs a design effect of at least 1 for each column; make it anew")
    return Reference(profile, effects)


def design_effect(indices: NDArray[np.int64], clusters: NDArray[np.int64]) -> float:
    """How many times the variance of independent values these have, at least 1.

    The larger one of two: that of the shares of the bins, weighed as in the first-order correction of a chi-square test (Rao &
    Scott 1981), and that of the mean rank. ``indices`` and ``clusters`` have shape (values,).
    """
    binning = binning_of(np.bincount(indices))
    members = np.eye(binning.size)[binning.assign(indices)]
    shares = members.mean(axis=0)
    of_bins = _variance_ratios(members - shares, clusters)
    weights = (1 - shares) * (shares > 0)
    averaged = float(of_bins @ weights / weights.sum()) if weights.sum() > 0 else 1.0
    ranks = _midranks(indices)
    of_rank = float(_variance_ratios((ranks - ranks.mean())[:, None], clusters)[0])
    return max(1.0, averaged, of_rank)


def _variance_ratios(residuals: NDArray[np.float64], clusters: NDArray[np.int64]) -> NDArray[np.float64]:
    """Variance of the mean with clusters over that without, for each column of ``residuals``, shape (values, columns)."""
    numbers = np.unique(clusters, return_inverse=True)[1]
    groups = int(numbers.max()) + 1
    totals = np.stack([np.bincount(numbers, weights=column, minlength=groups) for column in residuals.T])
    clustered = (totals**2).sum(axis=1) * groups / max(groups - 1, 1)
    independent = (residuals**2).sum(axis=0)
    return np.asarray(np.divide(clustered, independent, out=np.ones(len(independent)), where=independent > 1e-12))


def _midranks(indices: NDArray[np.int64]) -> NDArray[np.float64]:
    counts = np.bincount(indices)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - counts / 2)[indices]
    return ranks
