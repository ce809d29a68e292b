"""A model server under traffic, monitoring runs, key figures, and the Prometheus and Alertmanager that watch them: all real.

Two environments: ``prod`` has a server, drifted notes and key figures, ``staging`` a version that reviewers found worse than
the one before. They share a Pushgateway in a third namespace, as documented.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import httpx
import yaml
from prometheus_client import CollectorRegistry, start_http_server
from typer import Typer
from typer.testing import CliRunner

from clinical_ner.cli.kpi import kpi
from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.model_package import write_model_folder
from clinical_ner.registry import Registry
from clinical_ner.rollout.controller.metrics import ControllerMetrics
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.status import Phase, Requests
from clinical_ner.storage import open_storage
from tests.clinical_ner.cli.test_kpi import add_correction, log_latencies, promote_versions
from tests.clinical_ner.rollout.stage import Stage
from tests.clinical_ner.stages.monitored import SHIFTED_END, run_collect, run_decide, run_drift_report
from tests.clinical_ner.stages.stage_runs import NAME
from tests.clinical_ner.stages.test_monitoring_feedback import correct, corrections
from tests.servers.alertmanager import Alertmanager, WebhookReceiver
from tests.servers.prometheus import Prometheus, Pushgateway
from tests.serving.server_process import ServerProcess, free_ports
from tests.serving.transports import GrpcContents, Request, RestJson, Tensor

RULES = Path(__file__).parents[2] / "manifests" / "monitoring" / "rules"


class Stack(NamedTuple):
    prometheus: Prometheus
    receiver: WebhookReceiver
    gateway: Pushgateway

    def metrics_to(self, namespace: str) -> str:
        """Where an environment's jobs report."""
        return f"{self.gateway.url}?namespace={namespace}"


@contextmanager
def running(folder: Path, server: ServerProcess) -> Iterator[Stack]:
    """All of it but the batch jobs, which report to the gateways; ends with the context."""
    with ExitStack() as context:
        receiver = context.enter_context(WebhookReceiver())
        alertmanager = context.enter_context(Alertmanager(folder, receiver.url))
        gateway = context.enter_context(Pushgateway(folder))
        controller = context.enter_context(rollout_under_way())
        targets = [
            ("servers", server.url, "prod"),
            ("rollouts", controller, "prod"),
            ("pushgateway", gateway.url, "monitoring"),
        ]
        config = {
            "scrape_configs": [scrape(*target) for target in targets],
            "rule_files": write_rules(folder),
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [address(alertmanager.url)]}]}]},
        }
        prometheus = context.enter_context(Prometheus(folder, **config))
        stop = context.enter_context(traffic(server))
        yield Stack(prometheus, receiver, gateway)
        stop.set()


@contextmanager
def rollout_under_way() -> Iterator[str]:
    """The address of a process that shows a rollout which holds a step, as a controller that holds the Lease does."""
    stage = Stage().set_out().go_to(Phase.HOLDING, 50)
    stage.go_well(8)
    metrics = ControllerMetrics(registry := CollectorRegistry())
    metrics.leading.set(1)
    metrics.rollouts.show([Stored(stage.spec, stage.status, Requests(), "1")])
    server, _ = start_http_server(port := free_ports(1)[0], "127.0.0.1", registry)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()


def address(url: str) -> str:
    return url.removeprefix("http://")


def scrape(name: str, url: str, namespace: str) -> dict[str, object]:
    """As the operator does it, which labels each target with its own namespace."""
    target = {"targets": [address(url)], "labels": {"namespace": namespace}}
    return {"job_name": name, "honor_labels": name == "pushgateway", "static_configs": [target]}


def write_rules(folder: Path) -> list[str]:
    """The manifests' rules as rule files."""
    names = []
    for path in sorted(RULES.glob("*.yaml")):
        if path.stem != "kustomization":
            names.append(path.name)
            (folder / path.name).write_text(json.dumps(yaml.safe_load(path.read_text())["spec"]))
    return names


@contextmanager
def traffic(server: ServerProcess) -> Iterator[threading.Event]:
    """Callers of every protocol, with a wrong request now and then, some 20 a second until the event is set."""
    stop, notes = threading.Event(), [document.text for document in synthesize(20, seed=5)]
    transports = (RestJson(server), GrpcContents(server))

    def ask() -> None:
        number = 0
        while not stop.wait(0.05):
            text, number = notes[number % len(notes)], number + 1
            transports[number % 2].infer(Request([Tensor("text", [text.encode()])] if number % 7 else []))
            if number % 5 == 0:
                httpx.post(f"{server.url}/v1/models/{NAME}:predict", json={"instances": [text]}, timeout=30)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(10)


def write_live_model(registry_uri: str, folder: Path) -> Path:
    """The live version's files, as a server is given them."""
    write_model_folder(dict(Registry(open_storage(registry_uri)).files(NAME, "live")), folder)
    return folder


def monitor(registry_uri: str, folder: Path, metrics_to: str, end: datetime = SHIFTED_END) -> None:
    """A monitoring run up to its decision, which looks back as far as the ordinary days."""
    run_collect(registry_uri, folder, end, metrics_to=metrics_to, novelty_days=10)
    run_drift_report(registry_uri, folder)
    run_decide(registry_uri, folder, corrections_uri="none", metrics_to=metrics_to)


def make_worse_version_live(registry_uri: str, files: dict[str, bytes]) -> None:
    """The model of ``files`` in place of the live one, and enough reviewed notes to tell that it is worse."""
    registry, by = Registry(open_storage(registry_uri)), {"actor": "ada", "reason": "a mistake"}
    version = registry.register(NAME, files, **by).version
    registry.approve(NAME, version, **by)
    registry.promote(NAME, version, **by)
    correct(registry_uri, corrections(110, 30, "uniform", shift=None))


def compute_key_figures(folder: Path, other_model, metrics_to: str) -> None:
    """``clinical-ner kpi`` with enough of everything for each figure to have an interval."""
    for number in range(8):
        add_correction(folder, number, 1)
    log_latencies(folder)
    promote_versions(folder, other_model, 6)
    environment = {"CLINICAL_NER_REGISTRY_URI": str(folder / "registry"), "CLINICAL_NER_INFERENCE_LOG_URI": str(folder / "log")}
    app = Typer()
    app.command()(kpi)
    result = CliRunner().invoke(app, ["--metrics-to", metrics_to], env=environment, catch_exceptions=False)
    assert result.exit_code == 0, result.output
