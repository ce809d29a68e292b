"""The objects that KServe, Kubernetes and Knative make of an InferenceService, remembered to write only what changes."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from clinical_ner.errors import AlreadyExists, Conflict, NotFound
from clinical_ner.kubernetes_api import KubernetesApi, Resource

INFERENCE_SERVICES = Resource("serving.kserve.io/v1beta1", "InferenceService", "inferenceservices")
RUNTIMES = Resource("serving.kserve.io/v1alpha1", "ServingRuntime", "servingruntimes")
DEPLOYMENTS = Resource("apps/v1", "Deployment", "deployments")
PODS = Resource("v1", "Pod", "pods")
SERVICES = Resource("v1", "Service", "services")
ROUTES = Resource("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
KNATIVE_SERVICES = Resource("serving.knative.dev/v1", "Service", "services")
REVISIONS = Resource("serving.knative.dev/v1", "Revision", "revisions")
KNATIVE_ROUTES = Resource("serving.knative.dev/v1", "Route", "routes")

STANDARD_KINDS = (RUNTIMES, DEPLOYMENTS, PODS, SERVICES, ROUTES)
KNATIVE_KINDS = (RUNTIMES, KNATIVE_SERVICES, REVISIONS, KNATIVE_ROUTES, PODS)

OWNER = "serving.kserve.io/inferenceservice"
SOURCE_URI = "internal.serving.kserve.io/storage-initializer-sourceuri"
DIGEST = "CLINICAL_NER_MODEL_DIGEST"

Object = dict[str, Any]


class Mirror:
    """What a namespace holds of some kinds, as it was at the last refresh and has been written since."""

    def __init__(self, api: KubernetesApi, kinds: Iterable[Resource]) -> None:
        self.api = api
        self._kinds = tuple(kinds)
        self._objects: dict[tuple[Resource, str], Object] = {}
        self._wanted: dict[tuple[Resource, str], Object] = {}

    def refresh(self) -> None:
        """See what others did to them."""
        self._objects = {(kind, name_of(each)): each for kind in self._kinds for each in self.api.list(kind, {})}

    def get(self, kind: Resource, name: str) -> Object | None:
        return self._objects.get((kind, name))

    def all(self, kind: Resource, where: Callable[[Object], object] = bool) -> list[Object]:
        """Those of a kind, by name."""
        return [
            each for (of, _), each in sorted(self._objects.items(), key=lambda item: item[0][1]) if of == kind and where(each)
        ]

    def put(self, kind: Resource, body: Object) -> Object:
        """Have an object with this spec, labels and annotations."""
        key, old = (kind, name_of(body)), self.get(kind, name_of(body))
        known, self._wanted[key] = self._wanted.get(key), body
        if old is None:
            return self._keep(kind, self._created(kind, body))
        if known == body and covers(old["spec"], body["spec"]):
            return old
        metadata = {**old["metadata"], "annotations": body["metadata"].get("annotations", {})}
        return self._keep(kind, self.api.replace(kind, {**old, "metadata": metadata, "spec": body["spec"]}))

    def put_status(self, kind: Resource, name: str, status: Object) -> None:
        """Have an object with this status."""
        old, key = self._objects[kind, name], (kind, f"{name}/status")
        if self._wanted.get(key) != status:
            self._wanted[key] = status
            self._keep(kind, self.api.replace(kind, {**old, "status": status}, subresource="status"))

    def delete(self, kind: Resource, name: str) -> None:
        for memory in (self._objects, self._wanted):
            memory.pop((kind, name), None)
        self._wanted.pop((kind, f"{name}/status"), None)
        self.api.delete(kind, name)

    def delete_pod(self, name: str, *, at_once: bool = False) -> None:
        """Ask a pod to end; ``at_once`` is the kubelet's word that it has ended."""
        try:
            query = {"gracePeriodSeconds": "0"} if at_once else {}
            answer = self.api._call("DELETE", self.api.path(PODS, name), query=query)
        except NotFound:
            at_once = True
        if at_once:
            self._objects.pop((PODS, name), None)
        else:
            self._keep(PODS, answer)

    def _created(self, kind: Resource, body: Object) -> Object:
        try:
            return self.api.create(kind, body)
        except AlreadyExists:
            self.refresh()
            found = self.get(kind, name_of(body))
            if found is None:
                raise
            return found

    def _keep(self, kind: Resource, body: Object) -> Object:
        self._objects[kind, name_of(body)] = body
        return body


def covers(found: Any, wanted: Any) -> bool:
    """Whether an object has all that was wanted; the API server's own defaults are no difference."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(covers(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(covers, found, wanted))
    return bool(found == wanted) or (wanted in ({}, [], None) and not found)


def name_of(body: Object) -> str:
    return str(body["metadata"]["name"])


def owner_reference(owner: Object) -> Object:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(kind: str, value: bool | None, reason: str = "", message: str = "") -> Object:
    """A condition; None is Unknown."""
    status = {True: "True", False: "False", None: "Unknown"}[value]
    told = {name: text for name, text in (("reason", reason), ("message", message)) if text}
    return {"type": kind, "status": status, "lastTransitionTime": now_text(), **told}


def keep_times(new: list[Object], old: list[Object]) -> list[Object]:
    """Conditions that did not change keep their time."""
    times = {(each["type"], each["status"]): each.get("lastTransitionTime") for each in old}
    return [
        {**each, "lastTransitionTime": times.get((each["type"], each["status"])) or each["lastTransitionTime"]} for each in new
    ]


def now_text() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


RACES = (Conflict, NotFound)
"""Another wrote at the same time: the next look will tell."""
