"""What a local service's versions have counted: its servers' own ``/metrics``, and what its split saw."""

from pathlib import Path
from typing import Any

from clinical_ner.errors import MetricsUnavailable, TargetUnreachable
from clinical_ner.rollout.counting.counters import Calls
from clinical_ner.rollout.counting.scraping import ScrapedMetrics
from clinical_ner.rollout.local.control import ask

GATEWAY = "split"


def local_metrics(folder: Path) -> ScrapedMetrics:
    """The :class:`clinical_ner.rollout.counting.sources.MetricsSource` of the service that runs in ``folder``."""

    def addresses(version: str) -> list[str]:
        seen = _ask(folder, "observe")
        served = [each for each in (seen["stable"], seen["canary"]) if each and each["version"] == version]
        return [f"http://127.0.0.1:{each['http_port']}" for each in served if each["http_port"]]

    def callers(version: str) -> dict[str, Calls]:
        found = _ask(folder, "calls").get(version, {"calls": 0, "failed": 0})
        return {GATEWAY: Calls(calls=found["calls"], failed=found["failed"])}

    return ScrapedMetrics(addresses, callers)


def _ask(folder: Path, verb: str) -> Any:
    try:
        return ask(folder, verb)
    except TargetUnreachable as error:
        raise MetricsUnavailable(str(error)) from error
