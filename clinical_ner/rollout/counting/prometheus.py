"""Counters from Prometheus's HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from clinical_ner.errors import ConfigError, MetricsUnavailable
from clinical_ner.rollout.counting.counters import Calls, Counters
from clinical_ner.rollout.counting.fetching import fetch
from clinical_ner.rollout.counting.series import NAMES, STARTED, Sampled, collect

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class PrometheusMetrics:
    """Reads the present value of the server's series, by scraped target.

    A target that is no longer scraped disappears five minutes after its last scrape, and one whose scrape failed at once, until
    the next. ``matchers`` are further labels that the series have, such as a namespace.

    ``calls_query`` and ``failed_query``, PromQL with ``$version`` in it, give the calls of a version and those that failed, as
    its callers saw them: cumulative counters of the gateway's, both by the same labels. Those of no failed call may be missing.
    """

    url: str
    matchers: Mapping[str, str] = field(default_factory=dict)
    calls_query: str = ""
    failed_query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = TIMEOUT_SECONDS

    def read(self, version: str) -> Counters:
        """See :class:`clinical_ner.rollout.counting.sources.MetricsSource`.

        Raises:
            MetricsUnavailable: Prometheus does not answer, or with an error.
            ConfigError: a label's name is none, only one of the two queries is given, or calls failed of which the other knows
                nothing.
        """
        now = time.time()
        found = self._query(self._selector(NAMES - {STARTED}, {"model_version": version}))
        found += self._query(self._selector({STARTED}, {}))
        samples: dict[str, list[Sampled]] = {}
        for labels, value in found:
            process = labels.get("pod") or labels.get("instance", "")
            samples.setdefault(process, []).append(Sampled(labels.get("__name__", ""), labels, value))
        return collect(samples, version).model_copy(update={"callers": self._callers(version), "read_at": now})

    def _callers(self, version: str) -> dict[str, Calls] | None:
        if bool(self.calls_query) != bool(self.failed_query):
            raise ConfigError("calls_query and failed_query: either both or none of them")
        if not self.calls_query:
            return None
        # What failed is asked for first: a gateway that appears in between is then in both or in the calls.
        failed, calls = (
            {_name(labels): value for labels, value in self._query(query.replace("$version", version))}
            for query in (self.failed_query, self.calls_query)
        )
        foreign = sorted(gateway for gateway, value in failed.items() if value and gateway not in calls)
        if foreign:
            raise ConfigError(f"failed_query: {foreign[0]!r} is not among what calls_query finds: give both the same labels")
        return {gateway: Calls(calls=value, failed=failed.get(gateway, 0.0)) for gateway, value in calls.items()}

    def _selector(self, names: frozenset[str] | set[str], labels: Mapping[str, str]) -> str:
        matchers = [f'__name__=~"{"|".join(sorted(names))}"']
        for name, value in {**self.matchers, **labels}.items():
            if not name.isidentifier():
                raise ConfigError(f"matchers: {name!r} is no label's name")
            matchers.append(f"{name}={orjson.dumps(value).decode()}")
        return "{" + ",".join(matchers) + "}"

    def _query(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of every series of an instant vector."""
        url = f"{self.url.rstrip('/')}/api/v1/query?{urlencode({'query': query})}"
        body = fetch(url, timeout_seconds=self.timeout_seconds, headers=self.headers)
        try:
            document: Any = orjson.loads(body)
            return [(each["metric"], float(each["value"][1])) for each in document["data"]["result"]]
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise MetricsUnavailable(f"{self.url}: not an answer to a query") from error


def _name(labels: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
