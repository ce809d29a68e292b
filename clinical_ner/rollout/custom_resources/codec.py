"""Between a rollout and its custom resource. Pure.

::

    metadata.name              the rollout's name
    spec                       RolloutSpec without its name; never changes
    spec.service               the InferenceService whose traffic it divides
    spec.approvals, .abort     Requests: what people may still add
    status                     RolloutStatus, with conditions and observedGeneration

Fields are spelled as Kubernetes does (``holdSeconds``); what is unknown is left out, never null.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from clinical_ner.errors import StorageError
from clinical_ner.kubernetes_api import Resource
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.status import Requests, RolloutSpec, RolloutStatus
from clinical_ner.rollout.written import Written

MODEL_ROLLOUTS = Resource("clinical-ner.io/v1alpha1", "ModelRollout", "modelrollouts")
LABELS = {"app.kubernetes.io/name": "clinical-ner"}


def to_object(stored: Stored, service: str) -> dict[str, Any]:
    """The whole object, as it would be read but for what the API server adds."""
    spec = {field: value for field, value in dump(stored.spec).items() if field != "name"}
    return {
        "apiVersion": MODEL_ROLLOUTS.api_version,
        "kind": MODEL_ROLLOUTS.kind,
        "metadata": {"name": stored.spec.name, "labels": LABELS},
        "spec": {**spec, "service": service, **dump(stored.requests)},
        "status": dump(stored.status),
    }


def from_object(found: Mapping[str, Any]) -> Stored:
    """The rollout in an object as the API server has it; without a status it was just made.

    One that does not say when it was made was made when the API server took it.

    Raises:
        StorageError: it is no rollout; the message names the object and the fields.
    """
    metadata, spec = found["metadata"], dict(found.get("spec") or {})
    spec.setdefault("created", metadata.get("creationTimestamp"))
    try:
        return Stored(
            spec=RolloutSpec.model_validate({**spec, "name": metadata["name"]}),
            status=RolloutStatus.model_validate(found.get("status") or {}),
            requests=Requests.model_validate(spec),
            token=metadata.get("resourceVersion", ""),
        )
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, each["loc"])) for each in error.errors(include_input=False)}))
        raise StorageError(
            f"{MODEL_ROLLOUTS.kind} {metadata['name']}: not a rollout that this version reads: {fields}"
        ) from None


def service_of(found: Mapping[str, Any]) -> str:
    """The InferenceService that an object is about; empty when it does not say."""
    return str((found.get("spec") or {}).get("service", ""))


def dump(part: Written) -> dict[str, Any]:
    """A part as JSON, without what is unknown."""
    return part.model_dump(mode="json", by_alias=True, exclude_none=True)
