"""Review samples in a store."""

from datetime import date, timedelta

import pytest

from clinical_ner.review.store import forget, list_days, prune, read_samples, write_sample
from clinical_ner.storage import open_storage
from tests.clinical_ner.review.samples import NOON, make_sample

MODEL = "clinical-ner"


@pytest.fixture
def storage(storage_uri):
    return open_storage(storage_uri)


def test_samples_are_read_back_by_time(storage):
    """Written samples come back equal and in order of time, from a prefix of their own."""
    later, earlier = make_sample(1, time=NOON + timedelta(hours=1)), make_sample(2)
    keys = [write_sample(storage, sample) for sample in (later, earlier)]
    assert read_samples(storage, MODEL).samples == (earlier, later)
    assert all(key.startswith("review-samples/model=clinical-ner/date=2026-03-01/") for key in keys)


def test_writing_a_sample_twice_keeps_one(storage):
    """The same sample again changes nothing; another of the same record id is counted and left out."""
    assert write_sample(storage, make_sample(1)) == write_sample(storage, make_sample(1))
    write_sample(storage, make_sample(1, site="south"))
    reading = read_samples(storage, MODEL)
    assert (len(reading.samples), reading.duplicates) == (1, 1)


def test_reading_is_of_one_model_and_of_days(storage):
    """Other models' samples, and those of days outside the window, are not read."""
    for number, sample in enumerate([{}, {"time": NOON + timedelta(days=1)}, {"model_name": "clinical-ner-2"}]):
        write_sample(storage, make_sample(number, **sample))
    second = NOON.date() + timedelta(days=1)
    assert [each.record_id for each in read_samples(storage, MODEL, second, second).samples] == [f"{1:032x}"]
    assert len(read_samples(storage, MODEL).samples) == 2


def test_damaged_samples_are_named_and_passed_over(storage):
    """A sample whose bytes changed, or that is none, is named; the others are read."""
    key = write_sample(storage, make_sample(1))
    write_sample(storage, make_sample(2))
    storage.write(key, storage.read(key).replace(b"asthma", b"gangre"))
    storage.write("review-samples/model=clinical-ner/date=2026-03-01/stray.json", b"Zebulon")
    reading = read_samples(storage, MODEL)
    assert [each.record_id for each in reading.samples] == [f"{2:032x}"]
    assert len(reading.rejected) == 2
    assert not any("gangre" in line or "Zebulon" in line for line in reading.rejected)


def test_prune_deletes_days_before(storage):
    """Days before the given one go, the day itself stays; a dry run counts and deletes nothing."""
    for number in range(3):
        write_sample(storage, make_sample(number, time=NOON - timedelta(days=number)))
    assert prune(storage, NOON.date(), dry_run=True) == 2
    assert len(list_days(storage)) == 3
    assert prune(storage, NOON.date()) == 2
    assert [(day.day, day.samples) for day in list_days(storage)] == [(date(2026, 3, 1), 1)]


def test_forget_deletes_one_note(storage):
    """The sample of one record id goes, those beside it stay."""
    for number in range(2):
        write_sample(storage, make_sample(number))
    assert forget(storage, f"{1:032x}") == 1
    assert [each.record_id for each in read_samples(storage, MODEL).samples] == [f"{0:032x}"]
