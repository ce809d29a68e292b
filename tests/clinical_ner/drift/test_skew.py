"""Training time against serving time: the same answers are the same columns."""

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.drift.profile import profile_table
from clinical_ner.drift.reference import reference_of
from clinical_ner.inference_log.parquet import from_parquet, parse_lines, to_parquet
from clinical_ner.inference_log.record import encode_records
from tests.clinical_ner.drift.conftest import LABELS, MODEL, START
from tests.clinical_ner.inference_log.answered import record_of


def test_profile_of_the_inference_log_is_the_references(tagger):
    """Notes evaluated at training time and the same notes served, logged, stored as Parquet and read: one profile."""
    documents = synthesize(40, seed=5)
    annotations = [tagger.annotate(document.text) for document in documents]
    records = [record_of(MODEL, *pair, START) for pair in zip(documents, annotations, strict=True)]
    stored = from_parquet(to_parquet(parse_lines(encode_records(records), "segment")), "log.parquet")
    logged = profile_table(stored, MODEL, LABELS)
    assert logged.to_json() == reference_of(documents, annotations, model=MODEL, labels=LABELS).profile.to_json()
