"""What documents have in common with others: a text, an id or a patient. Pure."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from clinical_ner.documents import Document
from clinical_ner.splitting import text_key


@dataclass(frozen=True, slots=True)
class Footprint:
    """Texts (white space aside), ids and patients of some documents."""

    texts: AbstractSet[str]
    ids: AbstractSet[str]
    patients: AbstractSet[str]

    @classmethod
    def of(cls, documents: Iterable[Document]) -> "Footprint":
        known = list(documents)
        return cls(
            texts={text_key(document.text) for document in known},
            ids={document.id for document in known},
            patients={document.group for document in known},
        )

    def meets(self, document: Document) -> bool:
        """Whether ``document`` has its text, its id or its patient in common with one of them."""
        return text_key(document.text) in self.texts or document.id in self.ids or document.group in self.patients
