"""What is kept of a note for review: its de-identified text, and what the model said of it."""

from collections.abc import Mapping
from typing import Annotated, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from clinical_ner.digests import digest_of
from clinical_ner.documents import Document, ScoredEntity
from clinical_ner.errors import DataError
from clinical_ner.review.sampling import Stratum


class ReviewSample(BaseModel):
    """A drawn note. The text is de-identified, and still guarded as protected health information: it is in no message."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, protected_namespaces=())

    schema_version: Literal[1] = 1
    record_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """The reply's and the inference log's."""
    time: AwareDatetime
    """Of the request, in UTC."""
    model_name: str
    model_version: str
    model_digest: str
    stratum: Stratum
    probability: Annotated[float, Field(gt=0, le=1)]
    site: str
    specialty: str
    text: Annotated[str, Field(repr=False, min_length=1)]
    entities: tuple[ScoredEntity, ...]
    """Predictions at their offsets in ``text``."""
    dropped_entities: Annotated[int, Field(ge=0)]
    """Predictions that shared text with an identifier, and cannot be shown."""
    identifiers: Mapping[str, int]
    """How many identifiers of each kind were replaced."""

    @model_validator(mode="after")
    def _check_offsets(self) -> "ReviewSample":
        for entity in self.entities:
            if not 0 <= entity.start < entity.end <= len(self.text):
                raise ValueError(f"entities: offsets {entity.start}:{entity.end} do not lie within the text")
        return self

    @property
    def text_digest(self) -> str:
        """Of the text as annotators are shown it."""
        return digest_of(self.text.encode())

    def to_json(self) -> bytes:
        """Equal samples give equal bytes."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)

    def prediction(self) -> Document:
        """The note with its predictions as a document under its record id."""
        entities = tuple(sorted(entity.entity for entity in self.entities))
        return Document(self.record_id, self.text, entities, self.metadata())

    def metadata(self) -> dict[str, str]:
        """What a document made of this sample says of it; empty fields are left out."""
        names = {
            "created_at": self.time.isoformat(),
            "site": self.site,
            "specialty": self.specialty,
            "model_name": self.model_name,
            "model_version": self.model_version,
            "model_digest": self.model_digest,
            "stratum": str(self.stratum),
            "probability": repr(self.probability),
        }
        return {name: value for name, value in names.items() if value}


def parse_sample(data: bytes, name: str) -> ReviewSample:
    """Read what :meth:`ReviewSample.to_json` wrote to ``name``.

    Raises:
        DataError: it is something else; the message names file and fields, no values.
    """
    try:
        return ReviewSample.model_validate_json(data)
    except ValidationError as error:
        fields = sorted({".".join(map(str, each["loc"])) or "the whole" for each in error.errors(include_input=False)})
        raise DataError(f"{name}: not a review sample: {', '.join(fields)}") from None
