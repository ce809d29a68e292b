"""Counters from ``/metrics`` itself: for a laptop, and for clusters without Prometheus."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from clinical_ner.errors import MetricsUnavailable
from clinical_ner.rollout.counting.counters import Calls, Counters
from clinical_ner.rollout.counting.fetching import fetch
from clinical_ner.rollout.counting.series import Sampled, collect

TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ScrapedMetrics:
    """Scrapes every process that ``addresses`` returns for a version (``http://host:port``), each time it is read.

    ``addresses`` is asked at each reading, since processes come and go. ``callers``, where there is one, returns what the split
    or gateway has counted for a version so far, by gateway.
    """

    addresses: Callable[[str], Sequence[str]]
    callers: Callable[[str], dict[str, Calls]] | None = None
    timeout_seconds: float = TIMEOUT_SECONDS

    def read(self, version: str) -> Counters:
        """See :class:`clinical_ner.rollout.counting.sources.MetricsSource`; one process without an answer makes all unknown."""
        now = time.time()
        counters = collect({address: self._scrape(address) for address in self.addresses(version)}, version)
        return counters.model_copy(update={"callers": self.callers(version) if self.callers else None, "read_at": now})

    def _scrape(self, address: str) -> list[Sampled]:
        text = fetch(f"{address.rstrip('/')}/metrics", timeout_seconds=self.timeout_seconds)
        try:
            families = list(text_string_to_metric_families(text.decode()))
        except ValueError as error:
            raise MetricsUnavailable(f"{address}/metrics: not in Prometheus's text format") from error
        return [Sampled(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]
