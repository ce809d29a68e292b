"""Events of a cluster regarding rollouts: what ``kubectl describe`` shows below one.

They are told once and kept for an hour or so; what must be known later is in the status.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from clinical_ner.clock import Clock, utc_now
from clinical_ner.errors import ClinicalNerError
from clinical_ner.kubernetes_api import KubernetesApi, Resource
from clinical_ner.rollout.custom_resources.codec import LABELS, MODEL_ROLLOUTS
from clinical_ner.rollout.custom_resources.telling import Telling, tellings
from clinical_ner.rollout.records import Stored

EVENTS = Resource("events.k8s.io/v1", "Event", "events")
REPORTER = "clinical-ner.io/rollout-controller"
MAX_NOTE_BYTES = 1024
"""Of an event (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/)."""


class RolloutEvents:
    """Writes events; one that cannot be written is told to ``on_failure`` and lost, and stops nothing."""

    def __init__(
        self,
        api: KubernetesApi,
        instance: str,
        *,
        on_failure: Callable[[Telling, ClinicalNerError], None],
        clock: Clock = utc_now,
    ) -> None:
        self._api, self._instance, self._on_failure, self._clock = api, instance, on_failure, clock

    def tell_change(self, before: Stored, after: Stored) -> None:
        """All that is worth telling of a status that was written."""
        for telling in tellings(before.status, after.status):
            self.tell(after.spec.name, telling)

    def tell(self, name: str, telling: Telling) -> None:
        """One event regarding the rollout of this name; none when it is gone."""
        try:
            found = self._api.get(MODEL_ROLLOUTS, name)
            if found:
                self._api.create(EVENTS, event(found, telling, self._instance, self._clock()))
        except ClinicalNerError as error:
            self._on_failure(telling, error)


def event(regarding: Mapping[str, Any], telling: Telling, instance: str, now: datetime) -> dict[str, Any]:
    """The event's object."""
    metadata = regarding["metadata"]
    return {
        "metadata": {"name": f"{metadata['name']}.{uuid.uuid4().hex[:16]}", "labels": LABELS},
        "regarding": {
            "apiVersion": MODEL_ROLLOUTS.api_version,
            "kind": MODEL_ROLLOUTS.kind,
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "type": "Warning" if telling.warning else "Normal",
        "reason": telling.reason,
        "action": "Rollout",
        "note": telling.note.encode()[:MAX_NOTE_BYTES].decode(errors="ignore"),
        "eventTime": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}",
        "reportingController": REPORTER,
        "reportingInstance": instance[:128],
    }
