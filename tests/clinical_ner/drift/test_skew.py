"""Training time against serving time: the same answers are the same columns."""

import uuid

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.drift.profile import profile_table
from clinical_ner.drift.reference import reference_of
from clinical_ner.inference_log.parquet import from_parquet, parse_lines, to_parquet
from clinical_ner.inference_log.record import InferenceRecord, encode_records
from tests.clinical_ner.drift.conftest import LABELS, MODEL, START


def record_of(document, annotation):
    """What the server logs of an answer."""
    return InferenceRecord(
        record_id=uuid.uuid4().hex,
        time=START,
        request_id="",
        text_hash="",
        model_name=MODEL.name,
        model_version=MODEL.version,
        model_digest=MODEL.digest,
        site=document.metadata["site"],
        specialty=document.metadata["specialty"],
        note_id="",
        note_bytes=len(document.text.encode()),
        character_count=len(document.text),
        sentence_count=annotation.sentence_count,
        token_count=annotation.token_count,
        unknown_count=annotation.unknown_count,
        unknown_hashes=(),
        labels=tuple(entity.label for entity in annotation.entities),
        scores=tuple(entity.score for entity in annotation.entities),
        latency_seconds=0.01,
        status="ok",
    )


def test_profile_of_the_inference_log_is_the_references(tagger):
    """Notes evaluated at training time and the same notes served, logged, stored as Parquet and read: one profile."""
    documents = synthesize(40, seed=5)
    annotations = [tagger.annotate(document.text) for document in documents]
    records = [record_of(*pair) for pair in zip(documents, annotations, strict=True)]
    stored = from_parquet(to_parquet(parse_lines(encode_records(records), "segment")), "log.parquet")
    logged = profile_table(stored, MODEL, LABELS)
    assert logged.to_json() == reference_of(documents, annotations, model=MODEL, labels=LABELS).profile.to_json()
