"""Both sources read the same from the same servers, which count real traffic."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from clinical_ner.documents import ScoredEntity
from clinical_ner.errors import ConfigError, MetricsUnavailable
from clinical_ner.rollout.counting.counters import Calls, difference
from clinical_ner.rollout.counting.prometheus import PrometheusMetrics
from clinical_ner.rollout.counting.scraping import ScrapedMetrics
from clinical_ner.rollout.counting.series import is_error, is_refusal
from serving.metrics import LATENCY_BUCKETS, ServingMetrics
from tests.servers.prometheus import Prometheus

DIGEST = "sha256:" + "1" * 64


@dataclass(frozen=True)
class Note:
    """What a model says of one note."""

    token_count: int
    entities: tuple[ScoredEntity, ...]
    unknown_count: int = 0


class Process:
    """The metrics of a server, on a port that it keeps when it begins anew."""

    def __init__(self, version):
        self.version = version
        self.begin()
        self.server, self.thread = start_http_server(0, "127.0.0.1", registry=self)
        self.address = f"127.0.0.1:{self.server.server_port}"

    def begin(self):
        """With nothing counted."""
        self.registry = CollectorRegistry()
        self.metrics = ServingMetrics(self.registry)
        self.metrics.adopt("clinical-ner", self.version, DIGEST)
        self.started = Gauge("process_start_time_seconds", "As the process collector has it.", registry=self.registry)
        self.started.set(1000.0)

    def collect(self):
        """What the port shows."""
        return self.registry.collect()

    def answer(self, requests):
        """Each request has two notes, of 30 and 50 tokens, with one disease and two treatments."""
        disease, treatment = ScoredEntity(0, 1, "DISEASE", 0.5), ScoredEntity(2, 3, "TREATMENT", 1.0)
        for _ in range(requests):
            self.metrics.count_request("v2-rest", "200", 0.0011)
            self.metrics.count_notes([Note(30, (disease, treatment)), Note(50, (treatment,))])

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, list[Process]]]:
    """Two processes of one version and one of another; Prometheus takes five seconds to find new ones."""
    found = {"v1": [Process("v1"), Process("v1")], "v2": [Process("v2")]}
    yield found
    for process in everyone(found):
        process.close()


def everyone(processes):
    return [process for each in processes.values() for process in each]


@pytest.fixture
def processes(ports):
    """The same, with nothing counted."""
    for process in everyone(ports):
        process.begin()
    return dict(ports)


@pytest.fixture(scope="module")
def prometheus(ports, tmp_path_factory) -> Iterator[Prometheus]:
    """It scrapes all of them, five times a second."""
    labelled = {"targets": [process.address for process in everyone(ports)], "labels": {"namespace": "here"}}
    job = {"job_name": "servers", "scrape_interval": "200ms", "scrape_timeout": "200ms", "static_configs": [labelled]}
    with Prometheus(tmp_path_factory.mktemp("prometheus"), scrape_configs=[job]) as server:
        yield server


def scraped(processes):
    return ScrapedMetrics(lambda version: [f"http://{process.address}" for process in processes[version]])


@pytest.fixture(params=["scraping", "prometheus"])
def source(request, processes):
    """A source, and how to wait until it has seen all that happened."""
    if request.param == "scraping":
        return scraped(processes), lambda: None
    server, count = request.getfixturevalue("prometheus"), len(everyone(processes))
    return PrometheusMetrics(server.url, {"namespace": "here"}), lambda: server.await_scrape(count)


def test_source_counts_what_the_servers_count(source, processes):
    """Requests, errors, buckets, entities, scores and squares of one version, process by process."""
    metrics, wait = source
    wait()
    before = metrics.read("v1")
    processes["v1"][0].answer(3)
    processes["v1"][1].answer(1)
    processes["v1"][0].metrics.count_request("v2-grpc", "UNAVAILABLE", 0.3)
    processes["v1"][0].metrics.count_request("v1-rest", "400", 0.0003)
    processes["v2"][0].answer(9)
    wait()
    after = metrics.read("v1")
    counts = difference(after, before).counts

    assert len(after.processes) == 2
    assert after.digests == {DIGEST}
    assert set(after.started.values()) == {1000.0}
    assert (counts.requests, counts.errors, counts.refused, counts.notes, counts.tokens) == (6, 1, 1, 8, 320)
    assert counts.entities == {"DISEASE": 4, "TREATMENT": 8}
    assert counts.scores == 4 * 2.5
    moments = counts.entity_moments["TREATMENT"]
    assert (moments.squared, moments.product, moments.base_squared) == (4 * 2**2, 4 * 2 * 80, 4 * 80**2)
    moments = counts.score_moments
    assert (moments.squared, moments.product, moments.base_squared) == (4 * 2.5**2, 4 * 2.5 * 3, 4 * 3**2)
    assert counts.latency.bounds == LATENCY_BUCKETS
    taken = {counts.latency.bounds[index]: count for index, count in enumerate(counts.latency.counts) if count}
    assert taken == {0.0005: 1, 0.00125: 4, 0.315: 1}


def test_source_tells_a_restart(source, processes):
    """By the process's start, which another process has counted past."""
    metrics, wait = source
    processes["v2"][0].answer(1)
    wait()
    before = metrics.read("v2")
    processes["v2"][0].started.set(5000.0)
    processes["v2"][0].answer(5)
    wait()
    increase = difference(metrics.read("v2"), before)
    assert len(increase.restarted) == 1
    assert increase.counts.requests == 6


def test_source_knows_nothing_of_a_version_that_nobody_serves(source, processes):
    """No process, no digest."""
    metrics, wait = source
    wait()
    processes["v3"] = []
    assert not metrics.read("v3").processes


def test_prometheus_counts_calls_of_a_gateway(processes, prometheus):
    """By queries of the platform's own, with the version in them."""
    registry = processes["v1"][0].registry
    calls = Gauge("gateway_calls", "Of a gateway.", ["backend", "code"], registry=registry)
    calls.labels("v2", "200").set(90)
    calls.labels("v2", "503").set(10)
    calls.labels("v1", "200").set(500)
    source = PrometheusMetrics(
        prometheus.url,
        calls_query='sum by (backend) (gateway_calls{backend="$version"})',
        failed_query='sum by (backend) (gateway_calls{backend="$version",code="503"})',
    )
    prometheus.query("gateway_calls")
    assert source.read("v2").callers == {"backend=v2": Calls(calls=100, failed=10)}
    assert source.read("v1").callers == {"backend=v1": Calls(calls=500)}
    assert source.read("v3").callers == {}
    with pytest.raises(ConfigError, match="'backend=v2' is not among what calls_query finds"):
        replace(source, calls_query='sum(gateway_calls{backend="$version"})').read("v2")


def test_source_without_a_gateway_knows_of_no_calls(source, processes):
    """Which is another thing than a gateway that has counted none."""
    assert source[0].read("v1").callers is None


def test_scraping_passes_the_splits_calls_on(processes):
    """Where the split counts by itself."""
    source = ScrapedMetrics(lambda _: [], callers=lambda version: {"split": Calls(calls=5, failed=len(version))})
    assert source.read("v1").callers == {"split": Calls(calls=5, failed=2)}


@pytest.mark.parametrize("make", [PrometheusMetrics, lambda url: ScrapedMetrics(lambda _: [url])])
def test_source_that_does_not_answer_is_unavailable(make):
    """The message names where it asked; nothing listens on port 9 here."""
    with pytest.raises(MetricsUnavailable, match=r"127\.0\.0\.1:9"):
        make("http://127.0.0.1:9").read("v1")
    with pytest.raises(ConfigError, match="http://"):
        make("file:///etc/passwd").read("v1")


def test_prometheus_refuses_half_of_the_queries(prometheus):
    """Failed calls without calls are no share of anything."""
    with pytest.raises(ConfigError, match="both or none"):
        PrometheusMetrics(prometheus.url, calls_query="up").read("v1")


def test_statuses_are_told_apart():
    """Errors are the server's, refusals the caller's fault; a caller that went away is neither."""
    statuses = ("200", "OK", "400", "INVALID_ARGUMENT", "500", "503", "INTERNAL", "UNAVAILABLE", "499", "CANCELLED")
    assert [status for status in statuses if is_error(status)] == ["500", "503", "INTERNAL", "UNAVAILABLE"]
    assert [status for status in statuses if is_refusal(status)] == ["400", "INVALID_ARGUMENT"]
