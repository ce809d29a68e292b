"""What a server logs of an answer, without a server."""

import uuid

from clinical_ner.inference_log.record import InferenceRecord, hash_words

KEY = b"key of the tests"


def record_of(model, document, annotation, time, key=KEY):
    """The record of one document that ``model``, a version's identity, answered at ``time``."""
    return InferenceRecord(
        record_id=uuid.uuid4().hex,
        time=time,
        request_id="",
        text_hash="",
        model_name=model.name,
        model_version=model.version,
        model_digest=model.digest,
        site=document.metadata["site"],
        specialty=document.metadata["specialty"],
        note_id="",
        note_bytes=len(document.text.encode()),
        character_count=len(document.text),
        sentence_count=annotation.sentence_count,
        token_count=annotation.token_count,
        unknown_count=annotation.unknown_count,
        unknown_hashes=hash_words(annotation.unknown_words, key),
        labels=tuple(entity.label for entity in annotation.entities),
        scores=tuple(entity.score for entity in annotation.entities),
        latency_seconds=0.01,
        status="ok",
    )
