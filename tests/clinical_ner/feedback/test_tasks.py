"""Annotation tasks."""

from xml.etree import ElementTree as ET

import orjson

from clinical_ner.feedback import dump_tasks, label_config
from tests.clinical_ner.review.samples import ENTITIES, TEXT, make_sample


def test_tasks_have_predictions_and_origin():
    """A task has the text, the record id, every prediction with its mention and score, and where the note comes from."""
    (task,) = orjson.loads(dump_tasks([make_sample(5)]))
    assert task["data"] == {"text": TEXT, "record_id": f"{5:032x}"}
    assert (task["meta"]["stratum"], task["meta"]["probability"], task["meta"]["model_version"]) == ("uniform", "0.1", "v3")
    (prediction,) = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("v3", 0.4)
    values = [result["value"] for result in prediction["result"]]
    assert [value["text"] for value in values] == ["asthma", "salbutamol"]
    assert [(value["start"], value["end"], *value["labels"]) for value in values] == [each[:3] for each in ENTITIES]
    assert all(
        (each["from_name"], each["to_name"], each["type"]) == ("label", "text", "labels") for each in prediction["result"]
    )


def test_labelling_interface_fits_the_tasks():
    """The interface names the controls as the predictions do and holds every label once, whatever is in it."""
    view = ET.fromstring(label_config(["B&C", "A", "A", 'quo"te']))
    control, text = view.find("Labels"), view.find("Text")
    assert (control.get("name"), control.get("toName"), text.get("name"), text.get("value")) == (
        "label",
        "text",
        "text",
        "$text",
    )
    assert [each.get("value") for each in control] == ["A", "B&C", 'quo"te']
