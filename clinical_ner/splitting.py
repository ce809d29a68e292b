"""Which documents train, which tune and which test, by a hash of the patient: adding documents moves no other."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clinical_ner.documents import Document
from clinical_ner.errors import ConfigError, TooLittleData

Part = Literal["train", "dev", "test"]
PARTS: tuple[Part, ...] = ("train", "dev", "test")


class SplitRule(BaseModel):
    """Membership is a pure function of ``(seed, group)``; fractions are of groups, and the rest trains."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    dev_fraction: float = Field(default=0.15, gt=0, lt=1)
    test_fraction: float = Field(default=0.2, ge=0, lt=1)

    @classmethod
    def checked(cls, *, seed: int, dev_fraction: float, test_fraction: float) -> "SplitRule":
        """The rule of a run's parameters.

        Raises:
            ConfigError: a fraction is out of range, or they leave nothing to train on.
        """
        try:
            rule = cls(seed=seed, dev_fraction=dev_fraction, test_fraction=test_fraction)
        except ValidationError as error:
            names = ", ".join(str(problem["loc"][0]) for problem in error.errors())
            raise ConfigError(f"{names}: fractions lie between 0 and 1 (got {dev_fraction} and {test_fraction})") from None
        if dev_fraction + test_fraction >= 1:
            raise ConfigError(f"dev_fraction + test_fraction = {dev_fraction + test_fraction:g} leaves nothing to train on")
        return rule

    def part_of(self, document: Document) -> Part:
        """The part of ``document``: the first 8 bytes of sha256(seed, group) as a fraction of 2**64."""
        digest = hashlib.sha256(f"{self.seed}\0{document.group}".encode()).digest()
        position = int.from_bytes(digest[:8], "big") / 2**64
        if position < self.test_fraction:
            return "test"
        return "dev" if position < self.test_fraction + self.dev_fraction else "train"


@dataclass(frozen=True, slots=True)
class Split:
    """The parts, and the documents left out because their text stands in a part that comes first (test, dev, train)."""

    train: list[Document]
    dev: list[Document]
    test: list[Document]
    duplicates: list[Document] = field(default_factory=list)


def split_documents(documents: Iterable[Document], rule: SplitRule, *, test: Sequence[Document] = ()) -> Split:
    """Split ``documents``; with an explicit ``test`` set, what would have been their test part trains instead.

    No text stands in two parts: of equal texts (white space aside) in different parts only those in the part that comes
    first in the order test, dev, train are kept; the others are returned as duplicates.

    Raises:
        TooLittleData: a part is empty or holds no entity.
    """
    parts: dict[Part, list[Document]] = {"train": [], "dev": [], "test": list(test)}
    for document in documents:
        part = rule.part_of(document)
        parts["train" if test and part == "test" else part].append(document)
    split = _without_duplicates(parts)
    for name in PARTS:
        _check_part(name, getattr(split, name), rule, parts)
    return split


def text_key(text: str) -> str:
    """Equal for texts that differ in white space only; a hash, so that no text is kept."""
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "surrogatepass")).hexdigest()


def _without_duplicates(parts: dict[Part, list[Document]]) -> Split:
    taken: set[str] = set()
    kept: dict[Part, list[Document]] = {}
    duplicates: list[Document] = []
    for name in reversed(PARTS):
        kept[name] = [document for document in parts[name] if text_key(document.text) not in taken]
        duplicates += [document for document in parts[name] if text_key(document.text) in taken]
        taken |= {text_key(document.text) for document in kept[name]}
    return Split(kept["train"], kept["dev"], kept["test"], duplicates)


def _check_part(name: str, documents: Sequence[Document], rule: SplitRule, parts: dict[Part, list[Document]]) -> None:
    if any(document.entities for document in documents):
        return
    total = sum(len(part) for part in parts.values())
    found = f"{len(documents)} documents, none with an entity" if documents else "no document"
    raise TooLittleData(
        f"the corpus is too small to split: the {name} part got {found} of {total} in all (dev_fraction = "
        f"{rule.dev_fraction:g}, test_fraction = {rule.test_fraction:g}); add documents, change the fractions, or give "
        f"test_corpus_uri"
    )
