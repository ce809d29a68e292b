"""What the state machine wants done. Actions are data; carrying one out twice is harmless."""

from dataclasses import dataclass

from clinical_ner.rollout.targets import ModelReference


@dataclass(frozen=True, slots=True)
class StartCanary:
    """Have the canary loaded at 0 %."""

    model: ModelReference


@dataclass(frozen=True, slots=True)
class SetPercent:
    percent: int


@dataclass(frozen=True, slots=True)
class PromoteCanary:
    """Make the canary the stable in the target."""


@dataclass(frozen=True, slots=True)
class AbortCanary:
    """Take the next step to a service without a canary."""


@dataclass(frozen=True, slots=True)
class MoveLivePointer:
    """Make ``version`` the live one in the registry; ``restore`` when it was live before."""

    version: str
    restore: bool
    reason: str


@dataclass(frozen=True, slots=True)
class WithdrawVersion:
    """Mark ``version`` as rolled back in the registry, for good."""

    version: str
    reason: str


@dataclass(frozen=True, slots=True)
class RaiseFence:
    """Have the registry refuse what was asked of it before, and may be on its way from a runner that sleeps."""

    by: str


TargetAction = StartCanary | SetPercent | PromoteCanary | AbortCanary
RegistryAction = MoveLivePointer | WithdrawVersion | RaiseFence
Action = TargetAction | RegistryAction
