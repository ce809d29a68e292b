"""``clinical-ner rollout doctor`` against real API servers."""

import json

import pytest
from typer.testing import CliRunner

from clinical_ner.cli.rollout import app
from clinical_ner.cli.rollout_targets import open_target
from clinical_ner.errors import ConfigError
from clinical_ner.rollout.counting.prometheus import PrometheusMetrics
from clinical_ner.rollout.counting.scraping import ScrapedMetrics
from clinical_ner.rollout.kserve.knative import KnativeTarget
from tests.doubles.kserve.harness import SERVICE, create_namespace, create_service
from tests.servers.model_rollouts import define_rollouts


@pytest.fixture
def service(newest, monkeypatch):
    """The address of a service in Knative mode."""
    namespace = "rollout-doctor"
    monkeypatch.setenv("KUBECONFIG", str(newest.kubeconfig))
    if newest.try_kubectl("get", "namespace", namespace).returncode:
        define_rollouts(newest)
        create_namespace(newest, namespace, "dev")
        create_service(newest, namespace, "dev")
    return f"kserve:{namespace}/{SERVICE}"


def doctor(*arguments):
    return CliRunner().invoke(app, ["doctor", "--target", *arguments], env={"COLUMNS": "160"})


def test_doctor_shows_what_it_found(service):
    """A table of the cluster, the service and the own rights; nothing stands in the way."""
    done = doctor(service)
    assert done.exit_code == 0, done.output
    assert "Knative: its annotation serving.kserve.io/deploymentMode" in done.output
    assert "Nothing stands in the way of a rollout." in done.output


def test_doctor_tells_each_problem_and_ends_with_1(service):
    """For programs as JSON too; a service that is not there is one."""
    done = doctor(service.replace(SERVICE, "another"), "--json")
    assert done.exit_code == 1
    record = json.loads(done.output)
    assert record["problems"] == [
        "there is no InferenceService another in namespace rollout-doctor: apply the platform's overlay first"
    ]
    assert record["facts"]["InferenceService has spec.canary"] == "yes"
    assert record["missing_rights"] == {"controller": [], "person": []}


def test_doctor_checks_a_plan_too(service, tmp_path):
    """By its field and limit."""
    plan = tmp_path / "plan.yaml"
    plan.write_text("steps: [{percent: 10}]")
    done = doctor(service, "--plan", str(plan))
    assert isinstance(done.exception, ConfigError)
    assert "the last must be 100" in str(done.exception)


def test_doctor_is_for_clusters():
    """A local service has nothing to find out."""
    assert "kserve:NAMESPACE/SERVICE" in str(doctor("local:service").exception)


def test_address_on_a_cluster_opens_its_target(service):
    """Counted by Prometheus where there is one, or else by its pods."""
    opened = open_target(service)
    assert (type(opened.target), type(opened.source)) == (KnativeTarget, ScrapedMetrics)
    asked = open_target(service, prometheus="http://prometheus.monitoring:9090").source
    assert isinstance(asked, PrometheusMetrics)
    assert asked.matchers == {"namespace": "rollout-doctor"}


def test_calls_as_the_gateway_saw_them_are_asked_for(service, monkeypatch):
    """By both queries of the environment, at the Prometheus that is named; one without the other is a wrong setting."""
    monkeypatch.setenv("CLINICAL_NER_GATEWAY_CALLS_QUERY", 'calls{version="$version"}')
    with pytest.raises(ConfigError, match="FAILED_QUERY"):
        open_target(service, prometheus="http://prometheus.monitoring:9090")
    monkeypatch.setenv("CLINICAL_NER_GATEWAY_FAILED_QUERY", 'failed{version="$version"}')
    source = open_target(service, prometheus="http://prometheus.monitoring:9090").source
    assert (source.calls_query, source.failed_query) == ('calls{version="$version"}', 'failed{version="$version"}')
    with pytest.raises(ConfigError, match="--prometheus"):
        open_target(service)


def test_service_that_cannot_be_rolled_out_is_not_opened(service):
    """The message is the doctor's."""
    with pytest.raises(ConfigError, match="no InferenceService another"):
        open_target(service.replace(SERVICE, "another"))
