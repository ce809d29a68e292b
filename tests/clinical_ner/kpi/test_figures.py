"""Key figures from reviewed notes and the inference log."""

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from clinical_ner.corpora.records import CorpusReading
from clinical_ner.documents import Document, Entity, ScoredEntity
from clinical_ner.errors import DataError
from clinical_ner.feedback import join_corrections
from clinical_ner.inference_log.parquet import parse_lines
from clinical_ner.inference_log.record import encode_records
from clinical_ner.inference_log.schema import SCHEMA
from clinical_ner.kpi import changed_share, latency_p95, minutes_per_note, reviewed_f1
from tests.clinical_ner.inference_log.records import NOON, make_record
from tests.clinical_ner.review.samples import make_sample

PREDICTED = (ScoredEntity(0, 2, "D", 0.9), ScoredEntity(4, 6, "T", 0.9))
RIGHT = (Entity(0, 2, "D"), Entity(4, 6, "T"))


def correct(number, entities, *, predicted=PREDICTED, seconds=None, **sample):
    """A correction as the feedback that answers a sample gives it."""
    drawn = make_sample(number, text="abcdefghij", entities=predicted, **sample)
    metadata = {"lead_time_seconds": seconds} if seconds is not None else {}
    reading = CorpusReading(documents=[Document(drawn.record_id, drawn.text, entities, metadata)])
    return join_corrections(reading, [drawn]).corrections[0]


def test_changed_share_counts_every_kind_of_change():
    """Moved, relabelled, removed and added entities are changed; kept ones are not."""
    notes = [
        correct(1, RIGHT),
        correct(2, (Entity(0, 3, "D"), Entity(4, 6, "T"))),
        correct(3, (Entity(0, 2, "T"), Entity(4, 6, "T"))),
        correct(4, (Entity(0, 2, "D"),)),
        correct(5, (*RIGHT, Entity(8, 9, "D"))),
    ]
    figure = changed_share(notes)
    assert (figure.value, figure.n, figure.of) == (pytest.approx(4 / 11), 11, "entities")
    assert figure.low < 4 / 11 < figure.high


def test_figures_of_quality_are_of_the_uniform_stratum():
    """Low-confidence notes, wrong as they are, change neither share, F1 nor time."""
    uniform = [correct(number, RIGHT, seconds="60") for number in range(5)]
    biased = [correct(9 + number, (), stratum="low-confidence", seconds="600") for number in range(5)]
    for figure in (changed_share, reviewed_f1, minutes_per_note):
        assert figure(uniform + biased) == figure(uniform)


def test_reviewed_f1_weighs_notes_by_their_probability():
    """A wrong note drawn with a tenth of the other's probability counts ten times: F1 of 2 right and 20 wrong entities."""
    notes = [correct(1, RIGHT, probability=1.0), correct(2, (), probability=0.1)]
    assert reviewed_f1(notes).value == pytest.approx(2 * 2 / (22 + 2))


def test_reviewed_f1_has_an_interval_that_holds_it():
    """The bootstrap interval holds the value, and the same notes give the same one."""
    notes = [correct(number, RIGHT if number % 3 else RIGHT[:1]) for number in range(30)]
    figure = reviewed_f1(notes)
    assert figure == reviewed_f1(notes)
    assert figure.n == 30
    assert 0 < figure.low < figure.value < figure.high < 1


def test_minutes_are_the_median_of_what_was_measured():
    """Notes without a time, or with none that can be, are left out; one long pause moves nothing."""
    times = ["60", "120", "180", None, "-5", "nan", "soon", "99999"]
    figure = minutes_per_note([correct(number, RIGHT, seconds=seconds) for number, seconds in enumerate(times)])
    assert (figure.value, figure.n) == (2.5, 4)


@pytest.mark.parametrize("figure", [changed_share, reviewed_f1, minutes_per_note])
def test_no_notes_are_no_data(figure):
    """Without notes of the uniform stratum there is no value, and no 0."""
    for notes in ([], [correct(1, (), stratum="low-confidence")]):
        result = figure(notes)
        assert (result.value, result.low, result.high, result.n) == (None, None, None, 0)


def test_notes_without_entities_have_no_share_and_no_f1():
    """Where nothing was predicted and nothing was there, nothing can be said."""
    notes = [correct(1, (), predicted=())]
    assert changed_share(notes).value is None
    assert reviewed_f1(notes).value is None


@pytest.mark.parametrize("value", ["0", "2", "high", None])
def test_a_probability_that_is_none_is_named(value):
    """A correction whose probability is missing or impossible is refused by its id."""
    note = correct(1, RIGHT)
    metadata = {name: text for name, text in note.metadata.items() if name != "probability"}
    damaged = replace(note, metadata=metadata | ({"probability": value} if value else {}))
    with pytest.raises(DataError, match=f"{note.id}: metadata.probability"):
        reviewed_f1([damaged])


def table(records):
    return parse_lines(encode_records(records), "test")


def test_latency_counts_requests_that_were_answered():
    """The notes of one request count once, failed ones not at all."""
    records = [
        make_record(NOON + timedelta(seconds=second), request_id=f"r{second}", latency_seconds=second / 1000)
        for second in range(1, 101)
        for _ in range(1 + second % 3)
    ]
    failed = [make_record(request_id="failed", latency_seconds=9.0, status="ModelNotReady")]
    figure = latency_p95(table(records + failed))
    assert (figure.n, figure.of) == (100, "requests")
    assert figure.value == pytest.approx(95.05)
    assert 85 < figure.low < figure.value < figure.high <= 100


def test_latency_of_an_empty_log_is_no_data():
    """An empty window has no latency."""
    assert latency_p95(SCHEMA.empty_table()).value is None
    assert isinstance(SCHEMA.empty_table(), pa.Table)
