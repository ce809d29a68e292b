"""A local service as the state machine sees it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clinical_ner.rollout.local.control import ask
from clinical_ner.rollout.targets import Backend, ModelReference, Observation


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """:class:`clinical_ner.rollout.targets.Target` by the service that runs in ``folder``."""

    folder: Path

    def observe(self) -> Observation:
        seen = ask(self.folder, "observe")
        stable, canary = _backend(seen["stable"]), _backend(seen["canary"])
        return Observation(stable, canary, percent=seen["percent"], asked=seen["asked"], token=seen["token"])

    def start(self, canary: ModelReference, seen: Observation) -> None:
        ask(self.folder, "start", token=seen.token, model=asdict(canary))

    def set_percent(self, percent: int, seen: Observation) -> None:
        ask(self.folder, "set_percent", token=seen.token, percent=percent)

    def promote(self, seen: Observation) -> None:
        ask(self.folder, "promote", token=seen.token)

    def abort(self, seen: Observation) -> None:
        ask(self.folder, "abort", token=seen.token)


def _backend(described: dict[str, Any] | None) -> Backend | None:
    if described is None:
        return None
    return Backend(**{name: value for name, value in described.items() if name != "http_port"})
