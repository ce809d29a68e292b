"""The definition of ModelRollout against the models that write and read it, on a real API server."""

from collections.abc import Iterator

import hypothesis
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel

from clinical_ner.errors import ConfigError
from clinical_ner.rollout.analysis.rules import AnalysisRules
from clinical_ner.rollout.custom_resources.codec import MODEL_ROLLOUTS, dump
from clinical_ner.rollout.custom_resources.records import ClusterRollouts
from clinical_ner.rollout.plan import DEFAULT_PLAN, RolloutPlan
from clinical_ner.rollout.status import Requests, RolloutSpec, RolloutStatus
from tests.manifests.built import ROOT
from tests.manifests.rollouts import SERVICE, body, specs, statuses

DEFINITION = ROOT / "manifests/rollout/crd.yaml"
quick = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],  # to make an example smaller takes minutes here
)

numbers = st.sampled_from([-1, 0, 0.01, 0.5, 1, 1.05, 2, 1e6])
PLAN_FIELDS = {
    "steps": st.lists(
        st.fixed_dictionaries(
            {"percent": st.sampled_from([0, 1, 10, 100, 101])},
            optional={"holdSeconds": numbers, "minRequests": st.integers(-1, 1)},
        ),
        min_size=1,
        max_size=3,
    ).map(lambda steps: [*steps, {"percent": 100}]),
    "readySeconds": numbers,
    "inconclusiveSeconds": numbers,
    "approval": st.sampled_from(["none", "before-start", "before-100"]),
    "whenBusy": st.sampled_from(["wait", "supersede", "ask"]),
}
RULE_FIELDS = {to_camel(name): numbers for name in AnalysisRules.model_fields}


def schema() -> dict:
    (version,) = yaml.safe_load(DEFINITION.read_text())["spec"]["versions"]
    return version["schema"]["openAPIV3Schema"]["properties"]


def shape(node: dict, definitions: dict) -> dict:
    """Of a JSON schema what both sides say: fields, which of them are required, values and bounds."""
    if "$ref" in node:
        node = {**definitions[node["$ref"].rpartition("/")[2]], **{name: node[name] for name in node if name != "$ref"}}
    kinds = [each for each in node.get("anyOf", []) if each.get("type") != "null"]
    if kinds:
        return shape(kinds[0], definitions)
    found = {"type": node.get("type"), "enum": sorted(node.get("enum", [])), "format": node.get("format", "")}
    found["required"] = set(node.get("required", []))
    for side in ("minimum", "maximum"):
        exclusive = node.get(f"exclusive{side.capitalize()}", False)
        inclusive = node.get(side)
        found[side] = (inclusive, exclusive) if isinstance(exclusive, bool) else (exclusive, True)
    found["properties"] = {name: shape(each, definitions) for name, each in node.get("properties", {}).items()}
    nested = [node[name] for name in ("items", "additionalProperties") if isinstance(node.get(name), dict)]
    return {**found, "nested": [shape(each, definitions) for each in nested]}


def model_shape(model: type[BaseModel]) -> dict:
    node = model.model_json_schema(by_alias=True)
    return shape(node, node["$defs"])


def differences(ours: dict, theirs: dict, path: str = "") -> Iterator[str]:
    """Where the definition allows other things than a model takes; a bound, or what is required, may be narrower."""
    for name in ("type", "enum", "format"):
        if ours[name] != theirs[name]:
            yield f"{path}: {name} {ours[name]} instead of {theirs[name]}"
    yield from (f"{path}: {each} is not required" for each in theirs["required"] - ours["required"])
    for side in ("minimum", "maximum"):
        if theirs[side][0] is not None and ours[side] != theirs[side]:
            yield f"{path}: {side} {ours[side]} instead of {theirs[side]}"
    for name in sorted(ours["properties"].keys() ^ theirs["properties"].keys()):
        yield f"{path}.{name}: only on one side"
    for name in ours["properties"].keys() & theirs["properties"].keys():
        yield from differences(ours["properties"][name], theirs["properties"][name], f"{path}.{name}")
    for one, other in zip(ours["nested"], theirs["nested"], strict=True):
        yield from differences(one, other, f"{path}[]")


def test_definition_names_the_fields_of_the_models():
    """Each field with its type, values and bounds; nothing more, but for what Kubernetes has of its own."""
    found = schema()
    for name in ("observedGeneration", "conditions"):
        del found["status"]["properties"][name]
    ours = shape(found["spec"], {})["properties"]
    own = {name: ours.pop(name) for name in ("service", "approvals", "abort")}
    assert own.pop("service")["type"] == "string"
    expected = model_shape(RolloutSpec)
    del expected["properties"]["name"]
    required = set(expected["required"]) - {"name", "created"}  # the object's name; when the API server took it
    assert required <= shape(found["spec"], {})["required"]
    assert list(differences({**expected, "properties": ours}, expected, "spec")) == []
    assert list(differences(shape(found["status"], {}), model_shape(RolloutStatus), "status")) == []
    requests = model_shape(Requests)
    assert list(differences({**requests, "properties": own}, requests, "spec")) == []


def test_plan_that_is_left_out_is_the_default(api):
    """And written into the object, so that another version of the controller does not make another plan of it."""
    made = api.create(MODEL_ROLLOUTS, body(plan=None))
    assert RolloutPlan.model_validate(made["spec"]["plan"]) == DEFAULT_PLAN
    assert made["spec"]["plan"] == dump(DEFAULT_PLAN)
    partly = api.create(MODEL_ROLLOUTS, body(plan={"steps": [{"percent": 100}], "rules": {"slower": 3}}))
    assert partly["spec"]["plan"] == dump(RolloutPlan.model_validate({"steps": [{"percent": 100}], "rules": {"slower": 3}}))


@quick
@given(spec=specs(), status=statuses)
def test_whatever_is_written_is_read_back(api, spec, status):
    """Nothing of a rollout is refused, pruned or rounded."""
    records = ClusterRollouts(api, SERVICE, spec.model)
    stored = records.create(spec)
    assert (stored.spec, stored.status, stored.requests) == (spec, RolloutStatus(), Requests())
    written = records.write_status(stored, status)
    assert (written.spec, written.status) == (spec, status)


@quick
@given(fields=st.fixed_dictionaries({}, optional=PLAN_FIELDS), rules=st.fixed_dictionaries({}, optional=RULE_FIELDS))
@example(fields={"steps": [{"percent": 10}, {"percent": 1}, {"percent": 100}]}, rules={})
@example(fields={"steps": [{"percent": 10}, {"percent": 10}, {"percent": 100}]}, rules={})
@example(fields={"steps": [{"percent": 50}]}, rules={})
@example(fields={"steps": []}, rules={})
@example(fields={"readySeconds": 0}, rules={})
@example(fields={"readySeconds": 1}, rules={"toleratedErrors": 0.02})
@example(fields={"approval": "sometimes"}, rules={})
def test_plan_is_accepted_exactly_when_the_library_takes_it(api, fields, rules):
    """Order of steps, limits, and pairs of rules with their defaults: neither side lets through what the other refuses."""
    plan = {**fields, "rules": rules}
    try:
        RolloutPlan.model_validate(plan)
        fit = True
    except ValidationError:
        fit = False
    try:
        api.create(MODEL_ROLLOUTS, body(plan=plan))
        accepted = True
    except ConfigError:
        accepted = False
    assert accepted is fit, plan
