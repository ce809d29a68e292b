"""A service in memory that carries out what a rollout asks late, in several steps, and refuses old observations."""

from dataclasses import dataclass, replace

from clinical_ner.errors import TargetChanged, TargetUnreachable
from clinical_ner.rollout.targets import Backend, ModelReference, Observation


@dataclass
class SimulatedService:
    """``settle()`` lets one thing that was asked for come true; whoever breaks the rules of safety meets an assertion.

    ``carried`` is what the router does, ``asked`` what was asked for.
    """

    stable: Backend | None
    canary: Backend | None = None
    asked: int | None = None
    carried: int = 0
    missing: bool = False
    drift: tuple[str, ...] = ()
    withdrawn: str = ""
    """The version that is to be left, however it is."""
    reachable: bool = True
    wavering: bool = False
    """What the router does cannot be told, though nothing was asked of it."""
    generation: int = 0
    loading: bool = False
    canaries_started: int = 0

    def observe(self) -> Observation:
        if not self.reachable:
            raise TargetUnreachable("the service's API does not answer")
        if self.missing:
            return Observation(stable=None, canary=None, percent=None, asked=None, token=str(self.generation), missing=True)
        percent = self.carried if self.carried == (self.asked or 0) else None
        if self.stable is None:
            percent = 100 if self.canary and self.canary.ready else None
        if self.wavering and self.canary:
            percent = None
        return Observation(
            stable=self.stable,
            canary=self.canary,
            percent=percent,
            asked=self.asked,
            token=str(self.generation),
            drift=self.drift,
        )

    def start(self, canary: ModelReference, seen: Observation) -> None:
        self._check(seen)
        assert self.canary is None or self.canary.version == canary.version, "two canaries"
        if self.canary is None:
            self.canary = Backend(canary.version, canary.digest)
            self.asked, self.loading = 0, True
            self.canaries_started += 1
            self.changed()

    def set_percent(self, percent: int, seen: Observation) -> None:
        self._check(seen)
        assert self.canary is not None, "a weight without a canary"
        assert percent == 0 or self.canary.ready, "a weight for a canary that is not ready"
        carries = self.stable is None or self.stable.ready or self.stable.version == self.withdrawn
        assert carries or percent <= self.carried, "weights move while the stable is down"
        self.asked = percent
        self.changed()

    def promote(self, seen: Observation) -> None:
        self._check(seen)
        if self.canary is None:
            return
        assert self.carried == 100 or self.stable is None, "promoted below 100 %"
        assert self.canary.ready, "promoted a canary that is not ready"
        self.stable, self.canary, self.asked, self.carried = self.canary, None, None, 0
        self.changed()

    def abort(self, seen: Observation) -> None:
        self._check(seen)
        if self.canary is None:
            return
        if self.asked:
            stable_answers = self.stable is None or self.stable.answers
            assert stable_answers or not self.canary.answers, "traffic leaves a canary that answers for a stable that does not"
            self.asked = 0
        elif self.carried == 0 or self.stable is None:
            self.canary, self.asked, self.loading = None, None, False
        self.changed()

    def settle(self) -> None:
        """The router follows, or the canary's model is loaded."""
        if self.asked is not None and self.carried != self.asked:
            self.carried = self.asked
        elif self.canary and self.loading:
            self.canary, self.loading = replace(self.canary, ready=True), False
        self.changed()

    def changed(self) -> None:
        self.generation += 1

    def _check(self, seen: Observation) -> None:
        if not self.reachable:
            raise TargetUnreachable("the service's API does not answer")
        if seen.token != str(self.generation) or self.missing:
            raise TargetChanged("the service is another by now")
