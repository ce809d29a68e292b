"""Rollouts of a cluster: one ``ModelRollout`` each, written by whoever asks with the own rights."""

from collections.abc import Callable
from typing import Any

from clinical_ner.clock import Clock, utc_now
from clinical_ner.errors import ConfigError, Conflict, NotFound, StorageError
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.custom_resources.codec import MODEL_ROLLOUTS, dump, from_object, service_of, to_object
from clinical_ner.rollout.custom_resources.conditions import conditions_of
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.rollouts import Rollouts, by_age
from clinical_ner.rollout.status import Requests, RolloutSpec, RolloutStatus

Unreadable = Callable[[str, str], None]
"""Told the name of an object that is no rollout of this service's model, and why."""


class ClusterRollouts(Rollouts):
    """The rollouts of the InferenceService ``service``, which serves ``model``.

    An object that cannot be read, or is about another model, is told to ``on_unreadable`` and left out of :meth:`all`: it
    must not stop the others. Every method raises ClusterUnreachable when the API server does not answer or refuses.
    """

    def __init__(
        self,
        api: KubernetesApi,
        service: str,
        model: str,
        *,
        on_unreadable: Unreadable | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.service, self.model = service, model
        self._api, self._clock = api, clock
        self._on_unreadable: Unreadable = on_unreadable or (lambda _name, _why: None)

    def user(self) -> str:
        """As the API server's rules and admission know whoever asks."""
        return self._api.user()

    def create(self, spec: RolloutSpec) -> Stored:
        """See :class:`Rollouts`; the message of a refusal is the API server's own."""
        body = to_object(Stored(spec, RolloutStatus(), Requests(), ""), self.service)
        try:
            return self._parse(self._api.create(MODEL_ROLLOUTS, body))
        except NotFound as error:
            raise _undefined() from error

    def all(self) -> list[Stored]:
        """Every rollout that can be read, the oldest first."""
        try:
            found = self._api.list(MODEL_ROLLOUTS)
        except NotFound as error:
            raise _undefined() from error
        parsed = (self._try_parse(each) for each in found if service_of(each) == self.service)
        return by_age(each for each in parsed if each)

    def read(self, name: str) -> Stored:
        """One rollout.

        Raises:
            NotFound: there is none of that name of this service.
            StorageError: there is something else.
        """
        return self._parse(self._get(name))

    def write_status(self, stored: Stored, status: RolloutStatus) -> Stored:
        """Put ``status`` in place of the stored one, with its conditions.

        Raises:
            Conflict: the object is no longer as ``stored``.
            StorageError: the cluster's definition of the kind does not keep all of it.
        """
        name, found = stored.spec.name, self._get(stored.spec.name)
        metadata, before = found["metadata"], (found.get("status") or {}).get("conditions", [])
        if metadata["resourceVersion"] != stored.token:
            raise Conflict(f"{MODEL_ROLLOUTS.kind} {name}: changed since it was read; read it again")
        generation = metadata["generation"]
        conditions = conditions_of(status, before, generation=generation, now=self._clock())
        body = {
            "metadata": {"name": name, "resourceVersion": stored.token},
            "status": {**dump(status), "conditions": conditions, "observedGeneration": generation},
        }
        written = self._parse(self._api.replace(MODEL_ROLLOUTS, body, subresource="status"))
        if written.status != status:
            raise StorageError(f"{MODEL_ROLLOUTS.kind} {name}: not kept as it was written: the cluster's definition is another")
        return written

    def _write_requests(self, stored: Stored, requests: Requests) -> Stored:
        """Add what is new, and only to the object as it was read: its end, or an order, may have come in between."""
        operations: list[dict[str, Any]] = [{"op": "test", "path": "/metadata/resourceVersion", "value": stored.token}]
        for index, approval in enumerate(requests.approvals[len(stored.requests.approvals) :], len(stored.requests.approvals)):
            path, value = ("/spec/approvals/-", dump(approval)) if index else ("/spec/approvals", [dump(approval)])
            operations.append({"op": "add", "path": path, "value": value})
        if requests.abort and not stored.requests.abort:
            operations.append({"op": "add", "path": "/spec/abort", "value": dump(requests.abort)})
        return self._parse(self._api.patch(MODEL_ROLLOUTS, stored.spec.name, operations))

    def _get(self, name: str) -> dict[str, Any]:
        found = self._api.get(MODEL_ROLLOUTS, name)
        if found is None or service_of(found) != self.service:
            raise NotFound(f"no {MODEL_ROLLOUTS.kind} {name} of {self.service} in namespace {self._api.namespace}")
        return found

    def _parse(self, found: dict[str, Any]) -> Stored:
        stored = from_object(found)
        if stored.spec.model != self.model:
            wrong = f"it is about model {stored.spec.model}; {self.service} serves {self.model}"
            raise StorageError(f"{MODEL_ROLLOUTS.kind} {stored.spec.name}: {wrong}")
        return stored

    def _try_parse(self, found: dict[str, Any]) -> Stored | None:
        try:
            return self._parse(found)
        except StorageError as error:
            self._on_unreadable(found["metadata"]["name"], str(error))
            return None


def _undefined() -> ConfigError:
    return ConfigError(f"the cluster knows no {MODEL_ROLLOUTS.kind}: apply manifests/rollout")
