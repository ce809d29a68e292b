"""A registry with a champion on real datasets, and backends that behave like the real ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clinical_ner import model_package
from clinical_ner.datasets import store_dataset
from clinical_ner.gazetteer import EMPTY
from clinical_ner.registry import Registry
from clinical_ner.resubmit import Request, ResubmitRules, Resubmitter
from clinical_ner.storage import open_storage
from tests.clinical_ner.conftest import note
from tests.clinical_ner.resubmit.recording_backend import RecordingBackend

NAME = "clinical-ner"
BY = {"actor": "pipeline", "reason": "passed the gate"}
SPLIT = {"seed": 7, "dev_fraction": 0.2, "test_fraction": 0.3}
DRUGS = ("salbutamol", "colchicine", "amoxicillin", "ramipril", "metformin")


def notes(first, count, *, treatment="", patient="p"):
    """``count`` notes of as many patients, all with a text of their own."""
    return [
        note(number, f"asthma{number}", treatment or DRUGS[number % 5], group_id=f"{patient}{number}")
        for number in range(first, first + count)
    ]


def reviewed(first, count, *, stratum="uniform", **metadata):
    """Corrections of as many review samples: notes with no patient."""
    return [replace(each, metadata={"stratum": stratum, **metadata}) for each in notes(first, count)]


class Time:
    """A clock that tests set forward."""

    def __init__(self):
        self.now = datetime(2030, 1, 2, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def pass_hours(self, hours):
        self.now += timedelta(hours=hours)


@pytest.fixture
def file_uri(tmp_path):
    return (tmp_path / "store").as_uri()


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def model(tiny_model):
    """``model(dataset_digest, c1=...)``: a model that says it was trained on that dataset with these parameters."""

    def build(dataset, gazetteer=EMPTY, **parameters):
        old = model_package.parse_manifest(tiny_model[model_package.MANIFEST])
        payload = {path: tiny_model[path] for path in model_package.PAYLOAD}
        digits = repr((dataset, sorted(parameters.items()))).encode().hex()
        payload[model_package.GAZETTEER] = gazetteer.to_json()
        payload[model_package.LEXICON] = b'["' + digits.encode() + b'"]'
        fields = old.model_dump(include={"name", "labels", "library_versions"})
        datasets = dataset if isinstance(dataset, dict) else {"train": dataset}
        return model_package.build_package(
            payload, **fields, datasets=datasets, parameters={**old.parameters, **SPLIT, **parameters}
        )

    return build


@pytest.fixture
def live(model):
    """``live(uri, documents, test=(), **parameters)``: store the documents, and make a model of them the live version."""

    def build(uri, documents, test=(), **parameters):
        storage = open_storage(uri)
        digests = {"train": store_dataset(storage, documents, reader="jsonl", parameters={}).digest}
        if test:
            digests["test"] = store_dataset(storage, test, reader="jsonl", parameters={}).digest
        registry = Registry(storage)
        version = registry.register(NAME, model(digests, **parameters), **BY).version
        registry.approve(NAME, version, **BY)
        return registry.promote(NAME, version, **BY)

    return build


@pytest.fixture
def correct():
    """``correct(uri, documents)``: store corrections; the request that carries them."""

    def build(uri, documents, action="retrain"):
        digest = store_dataset(open_storage(uri), documents, reader="feedback", parameters={}).digest
        return Request(action=action, reasons=("tokens deviates by 7.0 %.",), evidence=("window 1",), corrections=(digest,))

    return build


@pytest.fixture
def backend(tmp_path):
    return RecordingBackend(tmp_path / "backend")


@pytest.fixture
def resubmitter(backend, time):
    """``resubmitter(uri, **changes)``: one that submits by itself and wants few documents."""

    def build(uri, *, owner="monitor-1", backend=backend, **changes):
        rules = ResubmitRules(**{"mode": "auto", "min_new_documents": 5, **changes})
        return Resubmitter(uri, NAME, backend, rules, owner, clock=time)

    return build


@pytest.fixture
def champion(live, file_uri):
    return live(file_uri, notes(0, 60))


@pytest.fixture
def drifted(champion, correct, file_uri):
    return correct(file_uri, notes(100, 10, treatment="metformin"))
