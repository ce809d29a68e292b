"""The gauges of one run of a job."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Gauge

PREFIX = "clinical_ner_"


class Job(NamedTuple):
    """Who reports: each report takes the place of all that the same ``name`` and ``group`` reported before.

    ``group`` are labels with values that are not empty, such as model and stage.
    """

    name: str
    group: Mapping[str, str]


class Series:
    """Gauges of a job, which all carry its group and the same further labels; in a registry of their own.

    Gauges only: a job sees the numbers of one run, and nobody adds them up over runs.
    """

    def __init__(self, job: Job, **labels: str) -> None:
        self.job = job
        self.registry = CollectorRegistry()
        self._labels = {**job.group, **labels}
        self._gauges: dict[str, Gauge] = {}

    def put(self, name: str, meaning: str, value: float, **labels: str) -> None:
        """Set ``clinical_ner_<name>``; calls for one name differ in the values of ``labels`` alone."""
        gauge = self._gauges.get(name)
        if gauge is None:
            gauge = Gauge(PREFIX + name, meaning, [*self._labels, *labels], registry=self.registry)
            self._gauges[name] = gauge
        gauge.labels(**self._labels, **labels).set(value)

    def put_state(self, name: str, meaning: str, label: str, states: Iterable[str], present: str) -> None:
        """A gauge for each of the states: 1 for the present one, 0 for the others; all 0 when it is none of them."""
        for state in states:
            self.put(name, meaning, float(state == present), **{label: state})
