"""The compiled pipelines, read as KFP reads it."""

import inspect

import pytest
import yaml
from kubernetes.utils.quantity import parse_quantity

from clinical_ner.stages.rollout import MAX_WAIT_MINUTES
from components._image import TRAIN_IMAGE
from pipelines.compilation import compile_pipeline
from pipelines.definitions import DEFINITIONS, MONITORING, TRAINING
from pipelines.platform import DEADLINES, SERVICE_ACCOUNT_ANNOTATION, Platform

STEPS = {
    TRAINING: {
        "ingest",
        "preprocess",
        "list-workers",
        "tune-worker",
        "tune",
        "train",
        "evaluate",
        "quality-gate",
        "register",
        "rollout",
    },
    MONITORING: {"collect-window", "drift-report", "decide", "resubmit"},
}
NEVER_CACHED = {TRAINING: {"ingest", "register", "rollout"}, MONITORING: {"collect-window", "decide", "resubmit"}}
# The condition's task and step, and the word it waits for.
CONDITIONS = {TRAINING: ("condition-2", "quality-gate", "approve"), MONITORING: ("condition-1", "decide", "yes")}


@pytest.fixture(scope="module", params=DEFINITIONS, ids=lambda definition: definition.name)
def definition(request):
    """Each pipeline."""
    return request.param


@pytest.fixture(scope="module")
def compiled(tmp_path_factory, definition):
    """``compiled(platform)``: pipeline spec and platform spec of a compilation with these choices."""
    folder = tmp_path_factory.mktemp("compiled")

    def compile_with(platform=None):
        path = folder / "pipeline.yaml"
        compile_pipeline(path, platform, definition=definition)
        return list(yaml.safe_load_all(path.read_text()))

    return compile_with


def executors(spec):
    return spec["deploymentSpec"]["executors"]


def platform_executors(platform):
    return platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_compiled_file_golden(tmp_path, definition):
    """The file in the repository is what the source compiles to; `make compile` writes it anew."""
    compile_pipeline(tmp_path / "pipeline.yaml", definition=definition)
    assert (tmp_path / "pipeline.yaml").read_text() == definition.compiled.read_text()


def test_compiled_pipeline_has_every_stage(compiled, definition):
    """No stage is missing, and none is there that this test does not know."""
    spec, _ = compiled()
    assert {name.removeprefix("exec-") for name in executors(spec)} == STEPS[definition]


def test_every_parameter_has_type_default_and_description(compiled, definition):
    """The run form needs a concrete default for each, and its reader a description."""
    spec, _ = compiled()
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert set(parameters) == set(inspect.signature(definition.function).parameters)
    for name, parameter in parameters.items():
        assert parameter["parameterType"] in {"STRING", "NUMBER_INTEGER", "NUMBER_DOUBLE", "BOOLEAN"}, name
        assert parameter["defaultValue"] is not None, name
        assert len(parameter["description"]) > 10, name


def test_defaults_of_the_platform_take_the_place_of_the_own(compiled, definition):
    """In the form and in the guide beside it; a name that only the other pipeline has changes nothing."""
    own, other = "s3://ward/registry", {TRAINING: MONITORING, MONITORING: TRAINING}[definition]
    foreign = next(each for each in inspect.signature(other.function).parameters if each not in signature_of(definition))
    spec, _ = compiled(Platform(defaults={"registry_uri": own, "rollout_target": "kserve:ward/clinical-ner", foreign: "any"}))
    found = {name: each["defaultValue"] for name, each in spec["root"]["inputDefinitions"]["parameters"].items()}
    plain = {name: each.default for name, each in signature_of(definition).items()}
    assert found == plain | {"registry_uri": own, "rollout_target": "kserve:ward/clinical-ner"}
    assert f"`'{own}'`" in spec["pipelineInfo"]["description"]


def test_registry_is_nobodys_unless_it_is_said(definition):
    """A click on Start in one environment must not write into another's."""
    assert signature_of(definition)["registry_uri"].default == "s3://BUCKET/registry"


def signature_of(definition):
    return inspect.signature(definition.function).parameters


def test_description_holds_the_parameter_guide(compiled):
    """The run form shows names and types only, so the pipeline's description explains each parameter."""
    spec, _ = compiled()
    lines = spec["pipelineInfo"]["description"].splitlines()
    for name, parameter in spec["root"]["inputDefinitions"]["parameters"].items():
        row = next(line for line in lines if line.startswith(f"| `{name}` |"))
        assert parameter["description"] in row


def test_no_step_installs_packages(compiled):
    """Steps must run in a cluster without a package index."""
    spec, _ = compiled()
    for name, executor in executors(spec).items():
        assert "pip install" not in str(executor["container"]["command"]), name


def test_every_step_requests_resources(compiled):
    """A step without requests is the first to be evicted, and one without a limit may take a node's memory."""
    spec, _ = compiled()
    for name, executor in executors(spec).items():
        resources = executor["container"]["resources"]
        assert resources["resourceCpuRequest"], name
        request, limit = (parse_quantity(resources[f"resourceMemory{which}"]) for which in ("Request", "Limit"))
        assert 0 < request <= limit, name


def test_every_step_is_restricted_and_has_a_deadline(compiled):
    """Pod Security "restricted" asks for a numeric user that is not root, and a hanging pod must end some day."""
    spec, platform = compiled()
    assert set(platform_executors(platform)) == set(executors(spec))
    for name, executor in platform_executors(platform).items():
        context = executor["securityContext"]
        assert context == {"runAsUser": "1000", "runAsGroup": "0", "runAsNonRoot": True}, name
        assert int(executor["activeDeadlineSeconds"]) > 0, name


def test_rollout_may_be_waited_for_a_day():
    """Its pod's deadline is beyond the longest wait that the step takes."""
    assert DEADLINES["rollout"] > 60 * MAX_WAIT_MINUTES


def test_steps_with_effects_are_never_cached(compiled, definition):
    """A cached ingest would miss new data under an old path, a cached window new answers; a cached register does nothing."""
    spec, _ = compiled()
    tasks = {**spec["root"]["dag"]["tasks"]}
    for component in spec["components"].values():
        tasks |= component.get("dag", {}).get("tasks", {})
    cached = {name for name, task in tasks.items() if task.get("cachingOptions", {}).get("enableCache")}
    assert cached & STEPS[definition] == STEPS[definition] - NEVER_CACHED[definition]


def test_condition_reads_one_word(compiled, definition):
    """KFP's local runner misreads a condition on one of several outputs: the step must have a single one."""
    spec, _ = compiled()
    task, step, word = CONDITIONS[definition]
    outputs = spec["components"][f"comp-{step}"]["outputDefinitions"]["parameters"]
    assert list(outputs) == ["Output"]
    condition = spec["root"]["dag"]["tasks"][task]["triggerPolicy"]["condition"]
    assert condition.endswith(f"== '{word}'")


def test_platform_choices_reach_every_step(compiled):
    """Image, secret and service account of the platform team stand on every task."""
    spec, platform = compiled(Platform(image="registry.example/ner-python:7", service_account="trainer", s3_secret="s3"))
    assert {executor["container"]["image"] for executor in executors(spec).values()} == {"registry.example/ner-python:7"}
    for name, executor in platform_executors(platform).items():
        assert executor["podMetadata"]["annotations"] == {SERVICE_ACCOUNT_ANNOTATION: "trainer"}, name
        (secret,) = executor["secretAsEnv"]
        assert secret["secretName"] == "s3"
        assert {key["envVar"] for key in secret["keyToEnv"]} == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


def test_endpoint_comes_from_a_config_map(compiled):
    """Every task takes the S3 server's address and region from the ConfigMap that the platform team names."""
    _, platform = compiled(Platform(s3_config="storage"))
    for name, executor in platform_executors(platform).items():
        (config,) = executor["configMapAsEnv"]
        assert config["configMapName"] == "storage", name
        assert {key["envVar"] for key in config["keyToEnv"]} == {"AWS_ENDPOINT_URL", "AWS_REGION"}


def test_default_image_is_the_named_one(compiled):
    """Without a choice every step runs the image that components/_image.py names, and no secret is asked for."""
    spec, platform = compiled()
    assert {executor["container"]["image"] for executor in executors(spec).values()} == {TRAIN_IMAGE}
    assert not any("secretAsEnv" in executor for executor in platform_executors(platform).values())


def test_kubernetes_objects_are_named_by_content(tmp_path, definition):
    """A Pipeline and a PipelineVersion come out; another spec gives another version name, the same spec the same."""
    names = []
    for image in ("a-python:1", "a-python:1", "b-python:1"):
        compile_pipeline(
            tmp_path / "objects.yaml", Platform(image=image), definition=definition, kubernetes=True, namespace="ml"
        )
        pipeline, version = yaml.safe_load_all((tmp_path / "objects.yaml").read_text())
        assert (pipeline["kind"], version["kind"]) == ("Pipeline", "PipelineVersion")
        assert pipeline["metadata"] == {"name": definition.name, "namespace": "ml"}
        assert version["spec"]["pipelineName"] == definition.name
        names.append(version["metadata"]["name"])
    assert names[0] == names[1] != names[2]
