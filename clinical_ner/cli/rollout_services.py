"""The service that a rollout command is about: where its rollouts are written down, and who asks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from clinical_ner.cli.options import user_name
from clinical_ner.clock import utc_now
from clinical_ner.errors import NotFound
from clinical_ner.rollout.addresses import KServeAddress, parse_address
from clinical_ner.rollout.opening import open_records
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.rollouts import Rollouts, find_active
from clinical_ner.storage import Storage, open_storage
from clinical_ner.version_states import Cause

TARGET = "CLINICAL_NER_ROLLOUT_TARGET"
DEFAULT_TARGET = "local:service"

TargetAddress = Annotated[
    str,
    typer.Option(
        "--target",
        envvar=TARGET,
        help="The service: local:FOLDER for one on this machine, kserve:NAMESPACE/SERVICE for an InferenceService.",
    ),
]
Name = Annotated[str | None, typer.Argument(metavar="ROLLOUT", help="Its name; the one under way when left out.")]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", exists=True, dir_okay=False, help="YAML or JSON; 1, 10, 50, 100 % when left out.")
]
Asker = Annotated[
    str,
    typer.Option(
        "--actor",
        help="Who decides; kept with the rollout. A cluster accepts the name alone by which it knows you.",
        show_default="your user name, a cluster's name of you",
    ),
]


@dataclass(frozen=True, slots=True)
class Service:
    """One model behind one address; ``storage`` is the registry's."""

    rollouts: Rollouts
    storage: Storage
    target: str
    model: str

    @property
    def on_cluster(self) -> bool:
        return isinstance(parse_address(self.target), KServeAddress)

    def cause(self, actor: str, reason: str) -> Cause:
        """Who asks now, and why; raises ConfigError when nothing is said."""
        return Cause(actor or self.rollouts.user() or user_name(), utc_now(), reason).check()

    def choose(self, rollout: str | None, *, ended: bool = False) -> Stored:
        """The named one, or the one under way; with ``ended`` the last one when none is."""
        if rollout:
            return self.rollouts.read(rollout)
        known = self.rollouts.all()
        chosen = find_active(known) or (known[-1] if known and ended else None)
        if chosen is None:
            raise NotFound("no rollout is under way; `clinical-ner rollout status` shows all")
        return chosen


def open_service(registry_uri: str, model: str, target: str) -> Service:
    """The service at ``target``; raises ConfigError when it is no address."""
    storage = open_storage(registry_uri)
    return Service(open_records(target, storage, model), storage, target, model)
