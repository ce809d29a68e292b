"""What carries the traffic, as the state machine sees it.

Every operation of a target is *level-triggered*: it is called again, with a fresh observation, until the observation shows that
what it asks for is so. A call takes the next step that is safe, returns without waiting for its effect, and may find that
nothing is left to do. A step that needs several writes with a wait between them (weights to 0, then the canary's entry dropped)
is several calls; the target reads from ``seen`` which is next. A kill at any point is therefore harmless.
"""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ModelReference:
    """A version of the registry: its name, its digest (``sha256:...``), and the URI of its folder."""

    version: str
    digest: str
    uri: str


@dataclass(frozen=True, slots=True)
class Backend:
    """One version as it is served.

    ``version`` and ``digest`` are those that its processes were given; empty where the target cannot tell.
    """

    version: str
    digest: str = ""
    ready: bool = False
    """It can carry its share: at least one process answers, and every process that has once been ready still is."""
    some_ready: bool = False
    """At least one process answers; those that are lost keep it from being ready."""
    restarts: int = 0
    """How often its processes were started again since the backend exists; the restarts of processes that are gone are kept
    where the target can, so that the number does not fall."""
    incarnation: str = ""
    """Changes whenever its processes were replaced by others of the same version (a rolled Deployment); opaque."""
    reason: str = ""
    """Why it is not ready, in words (image missing, crash loop, out of memory)."""

    @property
    def answers(self) -> bool:
        """Whether calls can be sent to it."""
        return self.ready or self.some_ready


@dataclass(frozen=True, slots=True)
class Observation:
    """What a target shows at one moment. All of it is read back from what carries the traffic, not from what was asked."""

    stable: Backend | None
    """The version that everything falls back to; None when the service has none yet."""
    canary: Backend | None
    """The version on trial, from its first request for existence on; None when every trace of it is gone."""
    percent: int | None
    """The canary's proven share of the traffic: the router sends it so much, and its spread through the gateway is over. None
    while it is changing, which makes a hold begin again; what cannot be read at all is TargetUnreachable, which does not. 0
    without a canary. 100 for the only version of a service without a stable."""
    asked: int | None
    """The canary's share that was asked for last, as the service's specification has it; None when it has none."""
    token: str = ""
    """Names the service's state that was seen. A mutation under an old token changes nothing and raises TargetChanged."""
    missing: bool = False
    """The service itself is gone; everything else is then empty."""
    drift: tuple[str, ...] = ()
    """What is not as the rollout left it and no doing of its own can explain, a sentence each: fields edited by hand, a
    template changed, a service stopped."""
    notes: tuple[str, ...] = field(default=())
    """What a person wants to know while waiting (an event's text, a pod's reason); decides nothing."""


class Target(Protocol):
    """A service whose traffic can be divided between a stable version and a canary.

    Every method raises:
        TargetUnreachable: the service's control plane cannot be asked at present; nothing is known, try later.
        TargetChanged: (mutations) the service is no longer as ``seen``; nothing was changed, observe again.
        ConfigError: the target can never do this (a percent on a mode without a split); the message says why.
    """

    def observe(self) -> Observation:
        """The service as it is now; within seconds."""
        ...

    def start(self, canary: ModelReference, seen: Observation) -> None:
        """Have the canary loaded at 0 % of the traffic; beside a stable with all its capacity.

        Without a stable, the version becomes the service's only one and carries everything as soon as it is ready.
        """
        ...

    def set_percent(self, percent: int, seen: Observation) -> None:
        """Have the canary carry ``percent`` of the traffic, the stable the rest."""
        ...

    def promote(self, seen: Observation) -> None:
        """Make the canary, which carries 100 % and is ready, the stable, restarting none of its processes."""
        ...

    def abort(self, seen: Observation) -> None:
        """Take the next step to a service without a canary: its traffic to the stable first, then the canary away."""
        ...
