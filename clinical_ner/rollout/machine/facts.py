"""All that the state machine is told at one moment."""

from dataclasses import dataclass

from clinical_ner.rollout.counting.counters import Counters
from clinical_ner.rollout.status import Requests
from clinical_ner.rollout.targets import Observation
from clinical_ner.version_states import State

NO_REQUESTS = Requests()


@dataclass(frozen=True, slots=True)
class Standing:
    """What the registry says."""

    state: State | None
    """Of the version that is rolled out; None when it is not there (deleted, pruned)."""
    digest: str
    """Of that version; empty when it is not there."""
    live: str | None
    """The live version."""
    token: str = ""
    """Names the states that were looked at. What is asked for by an old one is refused, but for the raising of the fence."""
    fence: str = ""
    """Who raised it last."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What could be learned at one moment; None is unknown, with the reason in ``problems``."""

    target: Observation | None
    registry: Standing | None
    canary: Counters | None = None
    stable: Counters | None = None
    requests: Requests = NO_REQUESTS
    ahead: str = ""
    """Another rollout of the service that must end first; empty when there is none."""
    superseded_by: str = ""
    """A newer rollout that takes this one's place; empty when there is none."""
    problems: tuple[str, ...] = ()
