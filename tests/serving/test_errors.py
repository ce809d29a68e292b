"""The table that maps the library's errors to HTTP and gRPC."""

import inspect

import grpc
import pytest
import structlog

from clinical_ner import errors
from serving.errors import INTERNAL, STATUSES, failure_of, status_of

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.ClinicalNerError)]


@pytest.mark.parametrize("kind", TREE)
def test_every_error_is_mapped(kind: type[errors.ClinicalNerError]) -> None:
    """Each class of the tree has a row of its own, with an error's status in both protocols."""
    status = STATUSES[kind]

    assert 400 <= status.http < 600
    assert status.grpc is not grpc.StatusCode.OK


def test_request_errors_are_the_callers() -> None:
    """The table calls exactly the request errors the caller's fault."""
    callers = {kind for kind, status in STATUSES.items() if status.http < 500}

    assert callers == {kind for kind in TREE if issubclass(kind, errors.RequestError)}


def test_subclass_has_its_parents_status() -> None:
    """A class that is not in the table answers as its nearest ancestor that is."""

    class Odd(errors.UnknownModel):
        pass

    assert status_of(Odd()) == STATUSES[errors.UnknownModel]
    assert status_of(ValueError()) == INTERNAL


def fail(text: str) -> None:
    raise ValueError(text)


def test_unexpected_error_loses_its_message() -> None:
    """An error that may quote a note is answered and logged by an id, its type and its place."""
    with structlog.testing.capture_logs() as lines:
        with pytest.raises(ValueError, match="Jane Roe") as caught:
            fail("Jane Roe")
        failure = failure_of(caught.value)

    assert failure.status == INTERNAL
    assert lines[0]["error_id"] in failure.message
    assert lines[0]["type"] == "ValueError"
    assert lines[0]["frames"][-1].endswith(" fail")
    assert "Jane" not in failure.message + repr(lines)
