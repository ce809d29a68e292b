"""The connection to a KFP API, and what its failures mean to the person who submits."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kfp_server_api
import orjson
import urllib3
from kfp.client import Client
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials
from kfp_server_api import ApiException
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as NoReplyInTime

from clinical_ner.errors import ConfigError, PipelineRunError

IN_CLUSTER_TOKEN = Path("/var/run/secrets/kubeflow/pipelines/token")
"""Where a pod's projected token lies (audience ``pipelines.kubeflow.org``); the kubelet renews it."""

CONNECT_SECONDS = 10
_NEVER_SENT = (NewConnectionError, ConnectTimeoutError, SSLError, OSError)
_SHOWN_CHARACTERS = 300

Failure = (ApiException, HTTPError, OSError, UnicodeDecodeError)
"""What the generated client raises: replies that are not 2xx, and everything that keeps a reply from arriving."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The services of one KFP API.

    ``timeout`` is (connect, read) in seconds: the generated client ignores a float and waits for ever without one.
    ``secrets`` are strings that no message may contain.
    """

    host: str
    timeout: tuple[float, float]
    experiments: Any
    pipelines: Any
    runs: Any
    recurring_runs: Any
    uploads: Any
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @contextmanager
    def reporting(self, action: str) -> Iterator[None]:
        """Turn every failure of the client into a PipelineRunError that says what ``action`` failed and what to do.

        What the server said is scrubbed in the cause too: servers quote parameter values in their errors.
        """
        try:
            yield
        except Failure as error:
            message = f"cannot {action} at {self.host}: {_meaning(error, self.timeout[1], self._said(error))}"
            raise PipelineRunError(message) from error

    def _said(self, error: BaseException) -> str:
        """The server's own words on one line, without secrets; removed from ``error`` itself."""
        if not isinstance(error, ApiException):
            return ""
        said = _error_text(error.body)
        for secret in sorted(self.secrets, key=len, reverse=True):
            said = said.replace(secret, "***")
        error.body, error.headers = said, None
        return said[:_SHOWN_CHARACTERS]


def connect(
    host: str,
    token: str = "",
    *,
    token_file: Path = IN_CLUSTER_TOKEN,
    read_seconds: float = 60,
    secrets: frozenset[str] = frozenset(),
) -> Endpoint:
    """Prepare the client; nothing is sent. Without ``token`` the pod's own is used where ``token_file`` exists.

    Raises:
        ConfigError: ``host`` is not an http(s) address, or holds a password.
    """
    _check_host(host)
    credentials = ServiceAccountTokenVolumeCredentials(str(token_file)) if not token and token_file.exists() else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # "only works with Kubeflow Pipelines v2"
        # With the default namespace the constructor asks healthz five times in 25 s and may write to the home folder. The
        # namespace given here goes nowhere: every call below names its own.
        client = Client(host=host, existing_token=token or None, credentials=credentials, namespace="unused")
    api_client = client._run_api.api_client  # noqa: SLF001 - the one way to what KFP's client set up
    # No retries behind our back, and a redirect (to a login page) is a failure, not an empty reply.
    retries = urllib3.Retry(total=None, connect=0, read=0, redirect=0, status=0, other=0, raise_on_redirect=False)
    api_client.rest_client.pool_manager.connection_pool_kw["retries"] = retries
    return Endpoint(
        host=host.rstrip("/"),
        timeout=(CONNECT_SECONDS, read_seconds),
        experiments=kfp_server_api.ExperimentServiceApi(api_client),
        pipelines=kfp_server_api.PipelineServiceApi(api_client),
        runs=kfp_server_api.RunServiceApi(api_client),
        recurring_runs=kfp_server_api.RecurringRunServiceApi(api_client),
        uploads=kfp_server_api.PipelineUploadServiceApi(api_client),
        secrets=secrets | ({token} if token else frozenset()),
    )


def status_of(error: BaseException) -> int:
    """The HTTP status of a failure; 0 when no reply arrived."""
    return int(error.status or 0) if isinstance(error, ApiException) else 0


def may_pass(error: BaseException) -> bool:
    """True when asking again later may succeed: no reply, or a 5xx."""
    return status_of(error) == 0 or status_of(error) >= 500


def is_unclear(error: BaseException) -> bool:
    """True when the request may have been carried out all the same: no reply after it was sent, or a 5xx."""
    return may_pass(error) and not isinstance(_cause(error), _NEVER_SENT)


def _check_host(host: str) -> None:
    url = urlsplit(host)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ConfigError(
            "the KFP host (--host, or CLINICAL_NER_KFP_HOST) must be an address such as https://kubeflow.example.org/pipeline"
        )
    if url.password or url.username:
        raise ConfigError("the KFP host holds a user or password, which would be shown in links: pass a token instead")


def _cause(error: BaseException) -> BaseException | None:
    return error.reason if isinstance(error, MaxRetryError) else error


def _error_text(body: object) -> str:
    """The message of the API's JSON error, or nothing for a reply of another kind, such as a proxy's HTML."""
    try:
        reply = orjson.loads(body if isinstance(body, str | bytes) else "")
    except orjson.JSONDecodeError:
        return ""
    message = reply.get("message") or reply.get("error") or reply.get("error_message") if isinstance(reply, dict) else ""
    return " ".join(str(message or "").split())


def _meaning(error: BaseException, read_seconds: float, said: str) -> str:
    if status := status_of(error):
        return f"{_advice(status)} (HTTP {status}{': ' + said if said else ''})"
    cause = _cause(error)
    if isinstance(cause, OSError):
        return f"the pod's token cannot be read ({cause.strerror})"
    if isinstance(cause, SSLError):
        return "TLS failed. Check that the address is https and its certificate is one that this machine trusts"
    if isinstance(cause, _NEVER_SENT):
        return "no connection. Check the address, that the API is up, and any port-forward"
    if isinstance(cause, NoReplyInTime):
        return f"no reply within {read_seconds:g} s. The server may still be working on it: look at the UI before a retry"
    return f"the connection broke ({type(cause).__name__}). Look at the UI before a retry"


def _advice(status: int) -> str:
    """What to do about a status: the API's texts change from version to version, its statuses do not."""
    advice = {
        400: "the server refused the request; for an upload this can also mean missing rights",
        401: "not logged in. Set CLINICAL_NER_KFP_TOKEN to a valid token, or renew it",
        403: "no right to do this. Ask the platform team for rights in that namespace, and check --namespace",
        404: "not found. Check the address (a full Kubeflow serves the API under /pipeline) and the namespace",
        409: "something of that name exists already. Choose another name",
        413: "the request is too large for the server or a proxy before it",
        429: "too many requests. Try again later",
    }
    if status in advice:
        return advice[status]
    if 300 <= status < 400:
        return "redirected to another address, probably a login page. Set CLINICAL_NER_KFP_TOKEN, or correct the address"
    return "the server failed. Try again later; its log says why (deployment ml-pipeline)"
