"""Who may talk to whom, read from the policies as they are built."""

import re
from urllib.parse import urlsplit

import pytest

from tests.manifests.built import OVERLAYS, build, of_kind, pod_templates

CLOSED = [path for name, path in OVERLAYS.items() if name != "dev"]
closed = pytest.mark.parametrize("overlay", CLOSED, ids=lambda path: path.name)

SERVER = {"serving.kserve.io/inferenceservice": "clinical-ner"}
CONTROLLER = {"app.kubernetes.io/name": "clinical-ner", "app.kubernetes.io/component": "rollout-controller"}
FIGURES = {"app.kubernetes.io/name": "clinical-ner", "app.kubernetes.io/component": "key-figures"}
MONITOR = {"app.kubernetes.io/name": "clinical-ner", "app.kubernetes.io/component": "monitor"}
STEP = {"pipeline/runid": "any"}
STRANGER = {"app": "any"}
PROBES = {"cidr": "169.254.7.127/32"}
"""Where the kubelet's probes come from in Istio's ambient mesh."""
TUNNEL = 15008
"""Port of that mesh between pods."""


def selects(selector: dict, labels: dict[str, str]) -> bool:
    """Whether a label selector matches; the expressions of these policies are all Exists."""
    assert all(each["operator"] == "Exists" for each in selector.get("matchExpressions", []))
    expressions = all(each["key"] in labels for each in selector.get("matchExpressions", []))
    return expressions and selector.get("matchLabels", {}).items() <= labels.items()


def flows(overlay, labels: dict[str, str], direction: str, end: str) -> set[tuple[str, int]]:
    """(other end, port) of every flow that the policies allow a pod with those labels; a port of 0 is every port."""
    found = set()
    for policy in of_kind(build(overlay), "NetworkPolicy"):
        if not selects(policy["spec"]["podSelector"], labels):
            continue
        for rule in policy["spec"].get(direction, []):
            ports = [port["port"] for port in rule.get("ports", [{"port": 0}])]
            found |= {(name_of(peer), port) for peer in rule[end] for port in ports}
    return found


def name_of(peer: dict) -> str:
    """A peer in a word."""
    if "ipBlock" in peer:
        if peer["ipBlock"] == PROBES:
            return "probes"
        assert peer["ipBlock"]["except"] == ["169.254.0.0/16"], "the cloud's metadata service is open"
        return "outside"
    if "namespaceSelector" in peer:
        return peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    return peer["podSelector"]["matchLabels"].get("app.kubernetes.io/component", "server")


def tunnels(direct: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """The same flows as the mesh carries them."""
    return {(end, TUNNEL) for end, _ in direct}


DNS = {("kube-system", 53)}


@closed
def test_pods_are_closed_unless_a_flow_is_named(overlay):
    """A pod that nothing is said of resolves names and does nothing else; every namespace is denied by default."""
    (policy,) = (each for each in of_kind(build(overlay), "NetworkPolicy") if each["metadata"]["name"] == "default-deny")
    assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert flows(overlay, STRANGER, "egress", "to") == DNS
    assert flows(overlay, STRANGER, "ingress", "from") == set()


@closed
def test_server_is_reached_by_gateway_prometheus_and_rollout(overlay):
    """Notes come from the gateway alone; what a server reaches is the bucket."""
    expected = {("kserve", 8080), ("kserve", 8081), ("monitoring", 8080), ("rollout-controller", 8080), ("probes", 8080)}
    expected |= {("knative-serving", port) for port in (8012, 8013, 8112, 9090)}
    assert flows(overlay, SERVER, "ingress", "from") == expected | tunnels(expected - {("probes", 8080)})
    assert flows(overlay, SERVER, "egress", "to") == {("outside", 443), *DNS}


@closed
@pytest.mark.parametrize("labels", [FIGURES, MONITOR, STEP], ids=["figures", "monitor", "step"])
def test_programs_that_ask_are_never_asked(overlay, labels):
    """Nobody connects to the monitor, the key figures or a pipeline's step."""
    assert flows(overlay, labels, "ingress", "from") == set()


@closed
def test_controller_is_asked_for_its_numbers_alone(overlay):
    """By Prometheus, at the port that its pod names, and by the kubelet."""
    scraped = {("monitoring", 9090)}
    assert flows(overlay, CONTROLLER, "ingress", "from") == scraped | tunnels(scraped) | {("probes", 9090)}
    (container,) = pod_templates(build(overlay))["clinical-ner-rollout-controller"]["spec"]["containers"]
    assert [port["containerPort"] for port in container["ports"]] == [9090]


@closed
def test_programs_reach_what_they_need(overlay):
    """The flows that leave each program's pods."""
    outside = {("outside", 443), ("outside", 6443)}
    controller = {("monitoring", 9090), ("server", 8080)}
    monitor = {("kubeflow", 8888), ("monitoring", 9091)}
    figures = step = {("monitoring", 9091)}
    assert flows(overlay, CONTROLLER, "egress", "to") == DNS | outside | controller | tunnels(controller)
    assert flows(overlay, MONITOR, "egress", "to") == DNS | {("outside", 443), ("outside", 6443)} | monitor | tunnels(monitor)
    assert flows(overlay, FIGURES, "egress", "to") == DNS | {("outside", 443)} | figures | tunnels(figures)
    assert flows(overlay, STEP, "egress", "to") == DNS | outside | {("kubeflow", 0)} | step | tunnels(step)


@closed
def test_policies_know_the_pods_by_their_labels(overlay):
    """The pods of the manifests carry the labels that the policies look for."""
    labels = {name: template["metadata"]["labels"] for name, template in pod_templates(build(overlay)).items()}
    assert labels["server"].items() >= SERVER.items()
    assert labels["clinical-ner-monitor"].items() >= MONITOR.items()
    assert labels["clinical-ner-key-figures"].items() >= FIGURES.items()
    assert labels["clinical-ner-rollout-controller"].items() >= CONTROLLER.items()


@closed
def test_addresses_that_programs_are_given_are_flows(overlay):
    """KFP's API, the Pushgateway and the bucket, as each pod is told of them, by host and port: none is cut off."""
    for name, template in pod_templates(build(overlay)).items():
        (container,) = template["spec"]["containers"]
        open_flows = flows(overlay, template["metadata"]["labels"], "egress", "to")
        for address in addresses(overlay, container):
            assert address in open_flows, (name, address)


def addresses(overlay, container: dict) -> set[tuple[str, int]]:
    """(namespace or outside, port) of every address among a container's arguments and variables."""
    given = " ".join([*container.get("args", []), *(str(each.get("value")) for each in container.get("env", []))])
    given += "".join(f" {value}" for value in storage(overlay).values())
    found = [urlsplit(each) for each in re.findall(r"https?://[^\s?]+", given)]
    assert found, "the bucket is always given"
    return {(inside(each.hostname or ""), each.port or {"http": 80, "https": 443}[each.scheme]) for each in found}


def storage(overlay) -> dict[str, str]:
    """Where the bucket is, which every pod of ours is told."""
    (found,) = (each for each in of_kind(build(overlay), "ConfigMap") if each["metadata"]["name"] == "clinical-ner-storage")
    return found["data"]


def inside(host: str) -> str:
    """The namespace of a Service's name."""
    service = re.fullmatch(r"[^.]+\.([^.]+)\.svc(\.cluster\.local)?", host)
    return service[1] if service else "outside"
