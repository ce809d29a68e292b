"""A decision in, one training run, a proposal or a refusal out."""

import os
import socket
from pathlib import Path

import orjson
import structlog
from pydantic import ValidationError

from clinical_ner.datasets import parse_dataset_uri
from clinical_ner.drift.decision import Decision
from clinical_ner.drift.windows import WindowDrift
from clinical_ner.errors import ConfigError, DataError
from clinical_ner.resubmit import Request, ResubmitRules, Resubmitter
from clinical_ner.resubmit.opening import open_backend
from clinical_ner.settings import Settings
from clinical_ner.stages.artifacts import PathLike, read_bytes, write_text

_log = structlog.get_logger()


def resubmit(
    *,
    model_name: str,
    registry_uri: str,
    corrections_uri: str,
    decision_path: PathLike,
    limits: ResubmitRules,
    training_parameters: str,
    training_package: str,
    kfp_host: str,
    kfp_namespace: str,
    runs_folder: str,
    outcome_path: PathLike,
) -> str:
    """Do what the decision asks for, at most once for its cause; write the outcome and return its status.

    What a person should know is logged as a warning. The token of the KFP API comes from the environment, or is the pod's own.

    Raises:
        ConfigError: a parameter is wrong.
        StorageError: the registry's store failed; the next run of the pipeline goes on where this one stopped.
    """
    decision = read_decision(decision_path)
    token = Settings().kfp_token.get_secret_value()
    backend = open_backend(
        Path(training_package), host=kfp_host, token=token, namespace=kfp_namespace, runs=Path(runs_folder).absolute()
    )
    owner = f"monitoring-pipeline {socket.gethostname()} {os.getpid()}"
    resubmitter = Resubmitter(registry_uri, model_name, backend, with_parameters(limits, training_parameters), owner)
    outcome = resubmitter.consider(request_of(decision, corrections_uri))
    write_text(outcome_path, outcome.model_dump_json(indent=2))
    for alert in outcome.alerts:
        _log.warning("alert", model=model_name, alert=alert)
    _log.info("resubmission", status=outcome.status, cause=outcome.cause_id, reason=outcome.reason)
    return outcome.status


def read_decision(path: PathLike) -> Decision:
    """The decision of the decide stage.

    Raises:
        DataError: it is missing or damaged.
    """
    try:
        return Decision.model_validate_json(read_bytes(path))
    except ValidationError as error:
        raise DataError(f"{path}: damaged artifact: not a decision") from error


def request_of(decision: Decision, corrections_uri: str) -> Request:
    """What resubmission needs of a decision."""
    windows = [window for window in (decision.previous, decision.window) if window]
    return Request(
        action=decision.action,
        reasons=decision.reasons,
        evidence=tuple(map(_describe, windows)),
        corrections=(parse_dataset_uri(corrections_uri),) if corrections_uri else (),
    )


def limits_of(**values: float | str) -> ResubmitRules:
    """Limits from a run's parameters.

    Raises:
        ConfigError: one is out of range; the message names it.
    """
    try:
        return ResubmitRules.model_validate(values)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        raise ConfigError("; ".join(problems)) from None


def with_parameters(limits: ResubmitRules, training_parameters: str) -> ResubmitRules:
    """Limits with further parameters of the training pipeline, a JSON object.

    Raises:
        ConfigError: it is none.
    """
    try:
        given = orjson.loads(training_parameters or "{}")
        return limits.model_copy(update={"parameters": dict(given.items())})
    except (orjson.JSONDecodeError, AttributeError) as error:
        raise ConfigError('training_parameters: not a JSON object such as {"min_f1": 0.7}') from error


def _describe(window: WindowDrift) -> str:
    found = window.unjudged or f"deviates by {window.deviation:.1f} %"
    return f"{window.start.isoformat()} to {window.end.isoformat()}: {window.notes:,} notes of {window.model_version}: {found}"
