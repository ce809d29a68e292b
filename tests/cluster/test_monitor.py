"""The monitor as a pod of the CronJob that the manifests install, on a log that a server's pod wrote."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.registry import Registry
from clinical_ner.storage import open_storage
from tests.clinical_ner.stages.conftest import finished  # noqa: F401  # a fixture
from tests.clinical_ner.stages.monitored import DAY, answer, make_live
from tests.cluster.conftest import address_towards
from tests.cluster.installation import Installation
from tests.cluster.predictor import ServedModel
from tests.servers.kubernetes import Kubectl
from tests.servers.prometheus import Pushgateway
from tests.serving.transports import Request, RestJson, Tensor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NOTES = 120
CRON_JOB = "clinical-ner-monitor"


@pytest.fixture
def window_end(installation: Installation, finished, tmp_path) -> datetime:  # noqa: F811
    """End of the window that holds what a server's pod has just answered and left in the bucket when it was ended."""
    make_live(finished, tmp_path, registry_uri=installation.registry_uri)
    live = Registry(open_storage(installation.registry_uri)).get("clinical-ner", "live")
    served = ServedModel(installation)
    served.roll(live.version, live.digest, replicas=1)
    transport = RestJson(served)
    for document in synthesize(NOTES, seed=11):
        assert transport.infer(Request([Tensor("text", [document.text.encode()])])).status == 200
    end = datetime.now(UTC) + timedelta(minutes=1)
    served.remove()
    answer(installation.registry_uri, synthesize(NOTES, seed=10), end - DAY)
    return end


def start_job(installation: Installation, *arguments: str) -> None:
    """A Job of the CronJob, as an operator starts one by hand, with arguments more."""
    made = installation.kubectl("create", "job", "--from", f"cronjob/{CRON_JOB}", "by-hand", "--dry-run=client", "-o", "json")
    job = json.loads(made)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    container["args"] += arguments
    installation.send(job)


def test_monitor_decides_on_what_a_server_logged(
    kube: Kubectl, installation: Installation, window_end: datetime, tmp_path: Path
) -> None:
    """Under "restricted" and its own account: the window holds every note that the server answered, and a decision is told."""
    with Pushgateway(tmp_path, address_towards(kube)) as gateway:
        start_job(installation, "--window-end", window_end.isoformat(), f"--metrics-to={gateway.url}")
        installation.wait(lambda: ended_pods(installation), "the end of the monitor's job")
        told = gauges(gateway)
    (pod,) = ended_pods(installation)
    (status,) = pod["status"]["containerStatuses"]
    assert (pod["status"]["phase"], status["state"]["terminated"]["exitCode"]) == ("Succeeded", 0)
    assert pod["spec"]["serviceAccountName"] == CRON_JOB
    assert pod["spec"]["containers"][0]["image"] == installation.images["train"]
    assert told["clinical_ner_drift_window_notes"] == [({}, NOTES)]
    assert told["clinical_ner_drift_window_unjudged"] == [({}, 0)]
    actions = [labels["action"] for labels, value in told["clinical_ner_drift_action"] if value]
    assert actions in (["none"], ["watch"])


def ended_pods(installation: Installation) -> list[dict]:
    pods = installation.get("pods", "-l", "batch.kubernetes.io/job-name=by-hand")["items"]
    return [pod for pod in pods if pod["status"]["phase"] in {"Succeeded", "Failed"}]


def gauges(gateway: Pushgateway) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The values of each gauge with the labels that tell them apart."""
    families = text_string_to_metric_families(gateway.get("/metrics").decode())
    common = {"job", "instance", "model", "model_version", "stage"}
    return {
        family.name: [
            ({name: value for name, value in each.labels.items() if name not in common}, each.value) for each in family.samples
        ]
        for family in families
    }
