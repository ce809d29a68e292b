"""The pods that the manifests lead to, under Pod Security "restricted" and against what the programs in them take."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from clinical_ner.cli import app as library_app
from clinical_ner.cli.rollout_controller import METRICS_PORT
from clinical_ner.pipeline_runs.remote.endpoint import IN_CLUSTER_TOKEN
from clinical_ner.rollout.addresses import parse_address
from pipelines.__main__ import app as pipelines_app
from pipelines.endpoint_options import KFP_IN_CLUSTER
from serving.settings import ServingSettings
from tests.manifests.built import OVERLAYS, ROOT, build, namespace_of, of_kind, only, pod, pod_templates, serving_pod
from tests.servers.kubernetes import KubectlError, Kubernetes

overlays = pytest.mark.parametrize("overlay", OVERLAYS.values(), ids=OVERLAYS)


@pytest.fixture
def objects(overlay):
    return build(overlay)


@pytest.fixture
def namespace(newest: Kubernetes, objects) -> str:
    """The overlay's namespace with its service accounts."""
    newest.apply(only(objects, "Namespace"), *of_kind(objects, "ServiceAccount"))
    return namespace_of(objects)


@overlays
def test_pods_are_admitted_under_restricted(newest, objects, namespace):
    """Every pod template of an overlay becomes a pod in the namespace that the overlay makes."""
    templates = pod_templates(objects)
    assert "server" in templates
    for name, template in templates.items():
        newest.apply(pod(name, namespace, template), options=["--dry-run=server"])


@overlays
@pytest.mark.parametrize("field", ["securityContext", "privileged"])
def test_pod_without_its_restrictions_is_refused(newest, objects, namespace, field):
    """The namespace does enforce: the server's own template with its restrictions taken away, or root, is not admitted."""
    template = serving_pod(objects)
    (container,) = template["spec"]["containers"]
    weak = {"privileged": {**container, "securityContext": {"runAsUser": 0}}, "securityContext": dict(container)}[field]
    if field == "securityContext":
        del weak["securityContext"]
    spec = {**template["spec"], "containers": [weak]}
    with pytest.raises(KubectlError, match='violates PodSecurity "restricted'):
        newest.apply(pod("weak", namespace, {**template, "spec": spec}), options=["--dry-run=server"])


@overlays
def test_every_container_has_a_read_only_root_and_somewhere_to_write(objects):
    """Nothing writes into its image; /tmp is a volume with a limit."""
    for name, template in pod_templates(objects).items():
        sizes = {volume["name"]: volume.get("emptyDir", {}).get("sizeLimit") for volume in template["spec"]["volumes"]}
        for container in template["spec"]["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"], name
            mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
            assert sizes[mounts["/tmp"]], name
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}, name


@overlays
def test_grace_period_fits_the_drain(objects):
    """A pod lives long enough for preStop, for the drain, and for the requests that are in flight then."""
    template = serving_pod(objects)
    (container,) = template["spec"]["containers"]
    values = {each["name"]: each.get("value") for each in container["env"]}
    needed = (
        container["lifecycle"]["preStop"]["sleep"]["seconds"]
        + float(values["CLINICAL_NER_DRAIN_SECONDS"])
        + float(values["CLINICAL_NER_GRACE_SECONDS"])
    )
    predictor = only(objects, "InferenceService")["spec"]["predictor"]
    given = template["spec"].get("terminationGracePeriodSeconds") or predictor["timeout"]
    assert given > needed


@overlays
def test_probes_ask_the_server_for_its_model(objects):
    """Readiness is the model's own route, since the server's health is true without a model; liveness does not need one."""
    (container,) = serving_pod(objects)["spec"]["containers"]
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    model = only(objects, "InferenceService")["metadata"]["name"]
    ready = f"/v2/models/{model}/ready"
    assert paths == {"startup": ready, "readiness": ready, "liveness": "/v2/health/live"}


@overlays
def test_server_is_told_only_what_it_knows(objects):
    """Each CLINICAL_NER_ variable of the server is one of its settings, with a value that it takes; so are its ports."""
    (container,) = serving_pod(objects)["spec"]["containers"]
    known = {f"CLINICAL_NER_{name.upper()}" for name in ServingSettings.model_fields}
    named = {each["name"]: each.get("value") for each in container["env"] if each["name"].startswith("CLINICAL_NER_")}
    assert named.keys() <= known
    given = {name.removeprefix("CLINICAL_NER_").lower(): value for name, value in named.items() if value is not None}
    settings = ServingSettings(_cli_parse_args=False, **given)
    ports = [port["containerPort"] for port in container["ports"]]
    assert ports == [settings.http_port, settings.grpc_port][: len(ports)]


@overlays
def test_spool_of_the_log_is_a_volume_above_its_cap(objects):
    """With the log, records wait where they outlive the container, and the server's cap comes before the kubelet's."""
    spec = serving_pod(objects)["spec"]
    (container,) = spec["containers"]
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    spool = str(ServingSettings.model_fields["inference_log_spool"].default)
    volume = next(each for each in spec["volumes"] if each["name"] == mounts[spool])
    (cap,) = (int(each["value"]) for each in container["env"] if each["name"] == "CLINICAL_NER_INFERENCE_LOG_SPOOL_BYTES")
    gibibytes = re.fullmatch(r"(\d+)Gi", volume["emptyDir"]["sizeLimit"])
    assert cap < int(gibibytes[1]) * 1024**3


@overlays
def test_monitor_that_goes_back_by_itself_has_samples_to_go_by(objects):
    """Staging and production draw notes for review, both kinds, and so does every overlay whose monitor goes back by itself."""
    (container,) = serving_pod(objects)["spec"]["containers"]
    drawn = {each["name"]: float(each["value"]) for each in container["env"] if each["name"].startswith("CLINICAL_NER_REVIEW_")}
    monitor = next(each for each in of_kind(objects, "CronJob") if each["metadata"]["name"] == "clinical-ner-monitor")
    goes_back = "--roll-back-on=reviewed-f1" in str(monitor["spec"])
    if goes_back or namespace_of(objects) in {"clinical-ner", "clinical-ner-staging"}:
        assert drawn.keys() == {f"CLINICAL_NER_REVIEW_{kind}_PROBABILITY" for kind in ("UNIFORM", "LOW_CONFIDENCE")}
        assert all(0 < probability <= 1 for probability in drawn.values())


COMMANDS = {
    "clinical-ner-monitor": (["python", "-m", "pipelines", "monitor"], pipelines_app, ["monitor"]),
    "clinical-ner-key-figures": (["clinical-ner", "kpi"], library_app, ["kpi"]),
    "clinical-ner-rollout-controller": (["clinical-ner", "rollout", "controller"], library_app, ["rollout", "controller"]),
}
"""What each pod runs, and where its command line is defined."""


@overlays
def test_programs_are_called_with_options_that_they_have(objects):
    """Every command is one of this project, with options that exist."""
    templates = pod_templates(objects)
    assert templates.keys() <= COMMANDS.keys() | {"server"}
    for name in templates.keys() & COMMANDS.keys():
        (container,) = templates[name]["spec"]["containers"]
        expected, app, path = COMMANDS[name]
        assert container["command"] == expected
        command = get_command(app)
        for part in path:
            command = command.commands[part]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {each.partition("=")[0] for each in container["args"] if each.startswith("--")} <= known


@overlays
def test_rollout_controller_is_one_and_is_probed_where_it_answers(objects):
    """Two of them never overlap, the probes ask the port that it opens, and its service is that of the manifests."""
    spec = only(objects, "Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    (container,) = spec["template"]["spec"]["containers"]
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {"metrics": METRICS_PORT}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/healthz", "port": "metrics"}
    address = parse_address(container["args"][0].removeprefix("--target=").replace("$(NAMESPACE)", "any"))
    assert address == ("any", only(objects, "InferenceService")["metadata"]["name"])


@overlays
def test_trainings_of_the_monitor_go_live_by_the_controller(objects):
    """The monitor hands on the service that the controller rolls out: without it a training would move the live pointer."""
    monitor = next(each for each in of_kind(objects, "CronJob") if each["metadata"]["name"] == "clinical-ner-monitor")
    (asking,) = monitor["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    (advancing,) = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    (target,) = (each.partition("=")[2] for each in advancing["args"] if each.startswith("--target="))
    assert [each.partition("=")[2] for each in asking["args"] if each.startswith("--rollout-target")] == [target]


@overlays
def test_monitor_sees_what_became_of_a_training(objects):
    """It knows KFP's address and has a token for it, also where a person submits: else each training would count as failed."""
    (monitor,) = (each for each in of_kind(objects, "CronJob") if each["metadata"]["name"] == "clinical-ner-monitor")
    spec = monitor["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert {each["name"]: each.get("value") for each in container["env"]}["CLINICAL_NER_KFP_HOST"] == KFP_IN_CLUSTER
    (path,) = (each["mountPath"] for each in container["volumeMounts"] if each["name"] == "kfp-token")
    (source,) = next(each["projected"]["sources"] for each in spec["volumes"] if each["name"] == "kfp-token")
    assert Path(path, source["serviceAccountToken"]["path"]) == IN_CLUSTER_TOKEN
    assert source["serviceAccountToken"]["audience"] == "pipelines.kubeflow.org"


@overlays
def test_numbers_of_the_controller_are_scraped(objects):
    """Where Prometheus is: by the labels and the port of its pod."""
    template, monitors = only(objects, "Deployment")["spec"]["template"], of_kind(objects, "PodMonitor")
    name = template["spec"]["serviceAccountName"]
    found = [each["spec"] for each in monitors if each["metadata"]["name"] == name]
    for monitor in found:
        assert monitor["selector"]["matchLabels"] == template["metadata"]["labels"]
        assert monitor["podMetricsEndpoints"][0]["port"] == template["spec"]["containers"][0]["ports"][0]["name"]
    assert len(found) == len(monitors) / 2


def test_model_fetcher_is_given_its_restrictions(newest):
    """KServe's default storage container, as it is installed, accepts the restrictions beside what it has."""
    installed = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ClusterStorageContainer",
        "metadata": {"name": "default"},
        "spec": {
            "container": {"name": "storage-initializer", "image": "kserve/storage-initializer:latest"},
            "supportedUriFormats": [{"prefix": "s3://"}],
        },
    }
    newest.apply(installed)
    path = ROOT / "manifests/storage/storage-initializer.yaml"
    newest.kubectl("apply", "--server-side", "--validate=strict", "--field-manager=clinical-ner", "-f", str(path))
    container = newest.get("clusterstoragecontainer", "default")["spec"]["container"]
    assert container["image"] == "kserve/storage-initializer:latest"
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
