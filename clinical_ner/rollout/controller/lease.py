"""Which of several controllers may act: a Lease of the cluster, held by one of them at a time.

After client-go's leader election (https://pkg.go.dev/k8s.io/client-go/tools/leaderelection), with one difference: the work
itself renews it, so that a controller that hangs gives way. Times of different machines are never compared: whoever waits takes
over when the Lease has not changed for its whole duration by the own monotonic clock.

There is one for a namespace, and so one service whose rollouts are carried out: counters and rights are told apart by the
namespace alone. The Lease names the service of its holder.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clinical_ner.clock import Clock, utc_now
from clinical_ner.errors import AlreadyExists, ClinicalNerError, ConfigError, Conflict, NotFound
from clinical_ner.kubernetes_api import KubernetesApi, Resource

LEASES = Resource("coordination.k8s.io/v1", "Lease", "leases")
NAME = "clinical-ner-rollout-controller"
SERVICE = "clinical-ner.io/service"
"""The annotation that names the holder's service."""
DURATION_SECONDS = 30
TRUSTED = 2 / 3
"""Of the duration, for which a holder believes in its Lease without renewing it; what remains is for clocks of other speed."""
RENEWED_AFTER = 1 / 6
"""Of the duration, after which it is renewed."""


@dataclass(slots=True)
class ClusterLease:
    """The Lease ``name``, as ``identity`` asks for it on behalf of ``service``; not for several threads."""

    api: KubernetesApi
    identity: str
    service: str
    name: str = NAME
    duration_seconds: int = DURATION_SECONDS
    monotonic: Callable[[], float] = time.monotonic
    clock: Clock = utc_now
    _renewed: float | None = field(default=None, init=False)
    """When it was last renewed, before the answer came; None when it is not held."""
    _seen: tuple[str, float] = field(default=("", 0.0), init=False)
    """The state in which another's Lease was seen, and since when."""

    @property
    def held(self) -> bool:
        """Whether nobody else can have taken it by now."""
        return self._renewed is not None and self.monotonic() < self._renewed + TRUSTED * self.duration_seconds

    def acquire(self) -> bool:
        """Take it, or renew it; whether it is held after that.

        Raises:
            ClusterUnreachable: the API server does not answer; what was held is held until its time is over.
            ConfigError: the controller of another service of the namespace holds it.
        """
        began = self.monotonic()
        found = self.api.get(LEASES, self.name)
        if found is not None and not self._may_take(found, began):
            self._renewed = None
            self._check_service(found)
            return False
        try:
            self._write(found)
        except (AlreadyExists, Conflict, NotFound):
            self._renewed = None
            return False
        self._renewed = began
        return True

    def check(self) -> None:
        """Renew it when it is due; called before everything that only the holder may do.

        Raises:
            Conflict: it is not held.
        """
        due = self._renewed is None or self.monotonic() >= self._renewed + RENEWED_AFTER * self.duration_seconds
        if self._renewed is not None and due:
            self._renew()
        if not self.held:
            raise Conflict(f"Lease {self.name}: not held any more; another controller may act")

    def release(self) -> None:
        """Give it back, so that nobody waits for its end; when that fails it ends by itself."""
        if self._renewed is None:
            return
        self._renewed = None
        try:
            found = self.api.get(LEASES, self.name)
            if found and _holder(found) == self.identity:
                spec = {**found["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
                self.api.replace(LEASES, {**found, "spec": spec})
        except ClinicalNerError:
            return

    def _renew(self) -> None:
        try:
            self.acquire()
        except ClinicalNerError:
            return  # it is held until its time is over

    def _may_take(self, found: dict[str, Any], now: float) -> bool:
        """Whether it is nobody's, the own one, or has not changed for its whole duration."""
        if _holder(found) in {"", self.identity}:
            return True
        state = found["metadata"]["resourceVersion"]
        if state != self._seen[0]:
            self._seen = (state, now)
        return now >= self._seen[1] + float(found["spec"].get("leaseDurationSeconds", self.duration_seconds))

    def _check_service(self, found: dict[str, Any]) -> None:
        other = found["metadata"].get("annotations", {}).get(SERVICE, self.service)
        if other != self.service:
            raise ConfigError(
                f"Lease {self.name}: held by the controller of the service {other}; a namespace has one service whose rollouts "
                f"are carried out: give {self.service} a namespace of its own"
            )

    def _write(self, found: dict[str, Any] | None) -> None:
        now, before = _micro(self.clock()), (found or {}).get("spec", {})
        own = found is not None and _holder(found) == self.identity
        spec = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self.duration_seconds,
            "acquireTime": before.get("acquireTime", now) if own else now,
            "renewTime": now,
            "leaseTransitions": before.get("leaseTransitions", 0) + (found is not None and not own),
        }
        metadata: dict[str, Any] = found["metadata"] if found else {"name": self.name}
        metadata = {**metadata, "annotations": {**metadata.get("annotations", {}), SERVICE: self.service}}
        if found:
            self.api.replace(LEASES, {**found, "metadata": metadata, "spec": spec})
        else:
            self.api.create(LEASES, {"metadata": metadata, "spec": spec})


def _holder(found: dict[str, Any]) -> str:
    return str(found["spec"].get("holderIdentity") or "")


def _micro(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S.%fZ}"
