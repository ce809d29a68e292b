"""A decision in, one training run, a proposal or a refusal out."""

import os
import socket
import tempfile
from functools import partial
from pathlib import Path

import orjson
import structlog
from pydantic import ValidationError

from clinical_ner.batch_metrics import publish
from clinical_ner.batch_metrics.monitoring import outcome_series
from clinical_ner.clock import utc_now
from clinical_ner.drift.decision import Decision
from clinical_ner.drift.windows import WindowDrift
from clinical_ner.errors import ConfigError, DataError, StorageError
from clinical_ner.feedback import export_tasks
from clinical_ner.registry import Registry
from clinical_ner.resubmit import Outcome, Request, ResubmitRules, Resubmitter
from clinical_ner.resubmit.cause import QUIET, ROLL_BACK
from clinical_ner.resubmit.further_parameters import check_further_parameters
from clinical_ner.resubmit.going_back import NEVER, GoingBack
from clinical_ner.resubmit.opening import open_backend
from clinical_ner.resubmit.package_source import local_package
from clinical_ner.resubmit.store import RecordStore
from clinical_ner.settings import Settings
from clinical_ner.stages.artifacts import PathLike, read_bytes, write_text
from clinical_ner.storage import Storage, open_storage

_log = structlog.get_logger()


def resubmit(
    *,
    model_name: str,
    registry_uri: str,
    log_uri: str,
    samples_uri: str,
    decision_path: PathLike,
    limits: ResubmitRules,
    training_parameters: str,
    training_package: str,
    kfp_host: str,
    kfp_namespace: str,
    runs_folder: str,
    roll_back_on: str,
    rollout_target: str,
    metrics_to: str,
    outcome_path: PathLike,
) -> str:
    """Do what the decision asks for, at most once for its cause; write the outcome and return its status.

    What a person should know is logged as a warning. The token of KFP's API comes from the environment, or is the pod's own.

    Raises:
        ConfigError: a parameter is wrong; nothing was submitted.
        StorageError: the registry's store failed; the next run of the pipeline goes on where this one stopped.
    """
    decision, going_back = read_decision(decision_path), GoingBack.checked(roll_back_on, rollout_target)
    owner = f"monitoring-pipeline {socket.gethostname()} {os.getpid()}"
    told = go_back(decision, going_back, storage := open_storage(registry_uri), owner)
    runs = Path(runs_folder).absolute()
    package = local_package(training_package, Path(tempfile.gettempdir()) if kfp_host else runs / "packages")
    rules = left_to_a_person(with_parameters(limits, training_parameters, package, rollout_target), decision, going_back)
    token = Settings().kfp_token.get_secret_value()
    backend = open_backend(package, host=kfp_host, token=token, namespace=kfp_namespace, runs=runs)
    export = partial(describe_export, samples_uri or log_uri or registry_uri, registry_uri, model_name)
    resubmitter = Resubmitter(registry_uri, model_name, backend, rules, owner, export_tasks=export)
    outcome = resubmitter.consider(request_of(decision)).alerting(*told)
    write_text(outcome_path, outcome.model_dump_json(indent=2))
    _log_outcome(model_name, outcome)
    _publish(decision, outcome, storage, metrics_to)
    return outcome.status


def _publish(decision: Decision, outcome: Outcome, storage: Storage, metrics_to: str) -> None:
    window = decision.window
    last = RecordStore(storage, window.model_name).last_run()
    publish(outcome_series(window.model_name, window.model_version, outcome, last, now=utc_now()), metrics_to)


def _log_outcome(model_name: str, outcome: Outcome) -> None:
    for alert in outcome.alerts:
        _log.warning("alert", model=model_name, alert=alert)
    _log.info("resubmission", status=outcome.status, cause=outcome.cause_id, reason=outcome.reason)


def describe_export(samples_uri: str, registry_uri: str, model_name: str) -> str:
    """Export the tasks of what nobody corrected yet and say where; that it failed is said too, and is no error."""
    try:
        registry = open_storage(registry_uri)
        champion = Registry(registry).champion(model_name)
        labels = champion.manifest.labels if champion else ()
        return str(export_tasks(open_storage(samples_uri), registry, model_name, labels))
    except (StorageError, ConfigError) as error:
        _log.warning("tasks_not_exported", model=model_name, problem=str(error))
        return f"annotation tasks could not be exported: {error}"


def read_decision(path: PathLike) -> Decision:
    """The decision of the decide stage.

    Raises:
        DataError: it is missing or damaged.
    """
    try:
        return Decision.model_validate_json(read_bytes(path))
    except ValidationError as error:
        fields = sorted({".".join(map(str, problem["loc"])) or "the whole" for problem in error.errors(include_input=False)})
        raise DataError(f"{path}: damaged artifact: not a decision: {', '.join(fields)}") from error


def request_of(decision: Decision) -> Request:
    """What resubmission needs of a decision: among it the very corrections that were counted."""
    windows = [window for window in (decision.previous, decision.window) if window]
    return Request(
        action=decision.action,
        drifted=decision.rules.band(decision.deviation) not in QUIET,
        reasons=decision.reasons,
        evidence=tuple(map(_describe, windows)),
        corrections=(decision.corrections,) if decision.corrections else (),
    )


def go_back(decision: Decision, going_back: GoingBack, storage: Storage, actor: str) -> tuple[str, ...]:
    """Order the way back where the decision asks for one, before and whatever becomes of the training; alerts of it.

    Only reviewed notes ask for it, never drift, and only while the version that they are about is live.
    """
    if decision.action != ROLL_BACK:
        return ()
    model, version = decision.window.model_name, decision.window.model_version
    told = going_back.order(storage, model, version, decision.reasons[0], actor=actor, clock=utc_now)
    return (told,) if told else ()


def left_to_a_person(rules: ResubmitRules, decision: Decision, going_back: GoingBack) -> ResubmitRules:
    """A training after a roll back that a person has to order is only proposed."""
    waits = decision.action == ROLL_BACK and going_back.target and going_back.on == NEVER
    return rules.model_copy(update={"mode": "propose"}) if waits else rules


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


def with_parameters(limits: ResubmitRules, training_parameters: str, package: Path, rollout_target: str = "") -> ResubmitRules:
    """Limits with further parameters of the training pipeline, a JSON object; a rollout's target is one, unless it is given.

    Raises:
        ConfigError: it is none, or has what the compiled pipeline has not, what resubmission sets itself, a value of a wrong
            type, or a password.
    """
    try:
        given = dict(orjson.loads(training_parameters or "{}").items())
    except (orjson.JSONDecodeError, AttributeError) as error:
        raise ConfigError('training_parameters: not a JSON object such as {"min_f1": 0.7}') from error
    if rollout_target:  # without it the training would move the live pointer by itself
        given = {"rollout_target": rollout_target, **given}
    if given:
        check_further_parameters(given, package)
    return limits.model_copy(update={"parameters": given})


def _describe(window: WindowDrift) -> str:
    found = window.unjudged or f"deviates by {window.deviation:.1f} %"
    return f"{window.start.isoformat()} to {window.end.isoformat()}: {window.notes:,} notes of {window.model_version}: {found}"
