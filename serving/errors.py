"""How errors answer over HTTP and gRPC: one table, and one place where unexpected errors lose their text."""

import uuid
from collections.abc import Mapping
from typing import NamedTuple

import structlog
from grpc import StatusCode

from clinical_ner import errors
from serving.logs import frames

log = structlog.get_logger("serving")


class Status(NamedTuple):
    http: int
    grpc: StatusCode


class Failure(NamedTuple):
    """An error as a caller sees it; ``message`` holds nothing of the request."""

    status: Status
    message: str


INTERNAL = Status(500, StatusCode.INTERNAL)

STATUSES: Mapping[type[errors.ClinicalNerError], Status] = {
    errors.RequestError: Status(400, StatusCode.INVALID_ARGUMENT),
    errors.UnknownModel: Status(404, StatusCode.NOT_FOUND),
    errors.RequestTooLarge: Status(413, StatusCode.RESOURCE_EXHAUSTED),
    errors.ModelNotReady: Status(503, StatusCode.UNAVAILABLE),
    errors.SpoolError: Status(503, StatusCode.UNAVAILABLE),
    # What follows is never the caller's fault: the server was set up wrong or met a bug.
    errors.ClinicalNerError: INTERNAL,
    errors.ConfigError: INTERNAL,
    errors.DataError: INTERNAL,
    errors.TooLittleData: INTERNAL,
    errors.ModelFormatError: INTERNAL,
    errors.StorageError: INTERNAL,
    errors.NotFound: INTERNAL,
    errors.AlreadyExists: INTERNAL,
    errors.Conflict: INTERNAL,
    errors.RegistryError: INTERNAL,
    errors.PipelineRunError: INTERNAL,
    errors.RolloutError: INTERNAL,
    errors.TargetUnreachable: INTERNAL,
    errors.ClusterUnreachable: INTERNAL,
    errors.TargetChanged: INTERNAL,
    errors.MetricsUnavailable: INTERNAL,
}


def status_of(error: BaseException) -> Status:
    """The status of ``error``'s class, :data:`INTERNAL` for any that is not the library's."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    return INTERNAL


def failure_of(error: BaseException) -> Failure:
    """What to answer for ``error``.

    The library's own messages name fields and limits and are passed on. An unexpected error's message may quote the note
    that caused it: the caller gets an error id, and the log the same id with the error's type and where it was raised.
    """
    status = status_of(error)
    if status != INTERNAL:
        return Failure(status, str(error))
    error_id = uuid.uuid4().hex
    log.error("internal_error", error_id=error_id, type=type(error).__name__, frames=frames(error))
    return Failure(status, f"internal error; the server's log tells more under error_id {error_id}")
