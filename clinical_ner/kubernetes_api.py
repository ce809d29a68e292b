"""The Kubernetes API as far as this library uses it: whole objects as JSON, by name, with the errors of this library.

One namespace at a time. Nothing is retried here: whoever asks looks again at the next moment anyway, and an answer that is
late is about another moment.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from clinical_ner.errors import AlreadyExists, ClusterUnreachable, ConfigError, Conflict, NotFound
from clinical_ner.settings import Settings

TIMEOUT_SECONDS = 10.0
MANAGER = "clinical-ner-rollout"
"""The name under which fields are owned (https://kubernetes.io/docs/reference/using-api/server-side-apply/)."""

_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_CONFLICT, _INVALID = 409, 422


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of namespaced objects: ``api_version`` such as ``apps/v1`` or ``v1``, ``kind``, and its ``plural`` in paths."""

    api_version: str
    kind: str
    plural: str

    @property
    def root(self) -> str:
        return f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"

    @property
    def group(self) -> str:
        """Empty for the core group."""
        return self.api_version.rpartition("/")[0]


class KubernetesApi:
    """The objects of one namespace, with the rights of whoever asks.

    Every method raises:
        ClusterUnreachable: no answer in time, too many requests, a failing server, or no right to ask (the message says which).
    """

    def __init__(self, api: client.ApiClient, namespace: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.namespace = namespace
        self._api = api
        self._timeout_seconds = timeout_seconds

    @classmethod
    def connect(cls, namespace: str, *, kubeconfig: str = "", timeout_seconds: float = TIMEOUT_SECONDS) -> Self:
        """As ``kubeconfig`` says, or ``KUBECONFIG``; else as the pod's own account; else as the home folder's kubeconfig says.

        Raises:
            ConfigError: none of them is there.
        """
        settings = client.Configuration()
        settings.retries = False
        # The client itself reads the variable once, when it is imported.
        named = kubeconfig or Settings().kubeconfig
        try:
            if named or not _in_pod(settings):
                config.load_kube_config(named or str(Path.home() / ".kube/config"), client_configuration=settings)
        except (config.ConfigException, OSError) as error:
            raise ConfigError(f"no Kubernetes cluster: neither a pod's account nor a kubeconfig: {error}") from error
        return cls(client.ApiClient(settings), namespace, timeout_seconds=timeout_seconds)

    def get(self, resource: Resource, name: str) -> dict[str, Any] | None:
        """One object; None when there is none of that name, or no such kind."""
        try:
            return self._call("GET", self.path(resource, name))
        except NotFound:
            return None

    def list(self, resource: Resource, labels: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """All objects with these labels; raises NotFound when the cluster has no such kind."""
        selector = ",".join(f"{name}={value}" for name, value in (labels or {}).items())
        found = self._call("GET", self.path(resource), query={"labelSelector": selector} if selector else {})
        return [{"apiVersion": resource.api_version, "kind": resource.kind, **each} for each in found["items"]]

    def create(self, resource: Resource, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a new object.

        Raises:
            AlreadyExists: there is one of that name.
            ConfigError: the cluster refuses it as invalid; the message is its own.
        """
        try:
            return self._call("POST", self.path(resource), body=_whole(resource, body))
        except Conflict as error:
            raise AlreadyExists(str(error)) from error

    def apply(self, resource: Resource, body: Mapping[str, Any]) -> dict[str, Any]:
        """Own exactly the fields in ``body``, by server-side apply; those owned before and left out are given up (and removed).

        With ``metadata.resourceVersion`` the object must be as it was read. Fields of others are taken over: ask first.

        Raises:
            Conflict: it is not as it was read.
            ConfigError: the cluster refuses it as invalid; the message is its own.
        """
        name = body["metadata"]["name"]
        query = {"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict"}
        return self._call("PATCH", self.path(resource, name), query=query, body=_whole(resource, body), content=_APPLY)

    def patch(self, resource: Resource, name: str, operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Change an object by JSON Patch (RFC 6902); begin with ``test`` operations for what it depends on.

        Raises:
            NotFound: there is no such object.
            Conflict: a ``test`` failed, or another wrote at the same time.
            ConfigError: the cluster refuses the outcome as invalid.
        """
        query = {"fieldManager": MANAGER}
        return self._call("PATCH", self.path(resource, name), query=query, body=list(operations), content=_JSON_PATCH)

    def replace(self, resource: Resource, body: Mapping[str, Any], *, subresource: str = "") -> dict[str, Any]:
        """Put ``body`` (with the ``resourceVersion`` that was read) in place of the object, or of its ``subresource``.

        Raises:
            NotFound: there is no such object.
            Conflict: it is not as it was read.
            ConfigError: the cluster refuses it as invalid.
        """
        path = self.path(resource, body["metadata"]["name"])
        return self._call("PUT", f"{path}/{subresource}" if subresource else path, body=_whole(resource, body))

    def delete(self, resource: Resource, name: str) -> None:
        """Remove an object; none of that name is fine."""
        try:
            self._call("DELETE", self.path(resource, name))
        except NotFound:
            return

    def may(self, verb: str, resource: Resource, *, name: str = "", subresource: str = "") -> bool:
        """Whether whoever asks has that right in the namespace."""
        asked = {"namespace": self.namespace, "verb": verb, "group": resource.group, "resource": resource.plural}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {**asked, "name": name, "subresource": subresource}},
        }
        return bool(
            self._call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=body)["status"]["allowed"]
        )

    def user(self) -> str:
        """The name under which the API server knows whoever asks."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = self._call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=body)
        return str(answer["status"]["userInfo"]["username"])

    def read(self, path: str) -> dict[str, Any] | None:
        """Whatever else lies under ``path`` (discovery, versions, cluster-wide objects); None when nothing does."""
        try:
            return self._call("GET", path)
        except NotFound:
            return None

    def path(self, resource: Resource, name: str = "") -> str:
        folder = f"{resource.root}/namespaces/{self.namespace}/{resource.plural}"
        return f"{folder}/{name}" if name else folder

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content: str = "application/json",
    ) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._api.call_api(
                path,
                method,
                query_params=list((query or {}).items()),
                header_params={"Accept": "application/json", "Content-Type": content},
                body=body,
                response_type="object",
                auth_settings=["BearerToken"],
                _return_http_data_only=True,
                _request_timeout=self._timeout_seconds,
            )
        except ApiException as error:
            raise _translate(error, method, path) from error
        except (HTTPError, OSError) as error:
            raise ClusterUnreachable(f"Kubernetes: {method} {path}: no answer: {type(error).__name__}") from error
        return answer


def _in_pod(settings: client.Configuration) -> bool:
    """Fill in the pod's own account; False outside of a pod."""
    try:
        config.load_incluster_config(client_configuration=settings)
    except config.ConfigException:
        return False
    return True


def _whole(resource: Resource, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": resource.api_version, "kind": resource.kind, **body}


def _translate(error: ApiException, method: str, path: str) -> Exception:
    """The error of this library for an answer other than 2xx; its message is the API server's own."""
    told = f"Kubernetes: {method} {path}: {error.status} {_message(error)}"
    if error.status == 404:
        return NotFound(told)
    if error.status == _CONFLICT or (error.status == _INVALID and "the server rejected our request" in told):
        return Conflict(told)
    # An applied field that the schema does not have is answered by 500.
    invalid = error.status in {400, 415, _INVALID} or "field not declared in schema" in told
    return ConfigError(told) if invalid else ClusterUnreachable(told)


def _message(error: ApiException) -> str:
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.reason)
