"""A registered version goes live step by step: its rollout is asked for, and waited for where that is wanted."""

import time
from contextlib import suppress
from typing import NamedTuple

import structlog

from clinical_ner.clock import utc_now
from clinical_ner.errors import ConfigError, NotFound, RolloutError
from clinical_ner.model_versions import ModelVersion
from clinical_ner.registry import Registry
from clinical_ner.reports.rollout_report import render_no_rollout, render_rollout_report
from clinical_ner.rollout.addresses import KServeAddress, parse_address
from clinical_ner.rollout.asking import ask_once
from clinical_ner.rollout.opening import open_records
from clinical_ner.rollout.plan_source import load_plan
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.rollouts import Rollouts
from clinical_ner.rollout.status import Phase
from clinical_ner.rollout.waiting import check_not_failed, wait_for_end
from clinical_ner.stages.artifacts import PathLike, write_text
from clinical_ner.stages.register import ACTOR, PASSED
from clinical_ner.storage import Storage, open_storage
from clinical_ner.version_states import Cause, State

NONE = "none"
MAX_WAIT_MINUTES = 24 * 60
"""Below the deadline that the step's pod is compiled with."""
_KSERVE_SCHEMES = ("s3://",)

_log = structlog.get_logger()


class RolloutOutputs(NamedTuple):
    """The rollout's name, empty without one, and its phase as it was seen last, or ``none``."""

    rollout_name: str
    outcome: str


def rollout(
    *,
    version_uri: str,
    rollout_target: str,
    rollout_plan: str,
    rollout_wait_minutes: int,
    model_name: str,
    registry_uri: str,
    rollout_report_path: PathLike,
) -> RolloutOutputs:
    """Ask for the rollout of the version at ``version_uri``, once; leave, or wait for its success. Write the report first.

    Without a target nothing is asked for. A live version needs no rollout.

    Raises:
        ConfigError: a parameter is wrong, or does not fit another.
        RegistryError: the version's state allows no rollout.
        RolloutError: the rollout ended without success, or has not ended in time.
    """
    check_rollout(rollout_target, rollout_plan, rollout_wait_minutes)
    storage = open_storage(registry_uri)
    version = Registry(storage).get(model_name, version_uri.rstrip("/").rpartition("/")[2])
    if rollout_target:
        check_reachable(version, rollout_target)
    records = open_records(rollout_target, storage, model_name) if rollout_target else None
    asked = _ask(records, storage, version, rollout_plan) if records else None
    if records is None or asked is None:
        write_text(rollout_report_path, render_no_rollout(version))
        _log.info("no_rollout", version=version.version, state=version.state)
        return RolloutOutputs("", NONE)
    seen = wait_for_end(records, asked, seconds=60.0 * rollout_wait_minutes, sleep=time.sleep, tell=_tell)
    write_text(rollout_report_path, render_rollout_report(seen, rollout_target))
    check_not_failed(seen)
    if rollout_wait_minutes and seen.status.phase is not Phase.SUCCEEDED:
        raise _late(seen, rollout_wait_minutes)
    return RolloutOutputs(seen.spec.name, seen.status.phase)


def check_rollout(target: str, plan: str, wait_minutes: int) -> None:
    """Refuse parameters of a rollout that are wrong, by a ConfigError that names them."""
    if not 0 <= wait_minutes <= MAX_WAIT_MINUTES:
        raise ConfigError(f"rollout_wait_minutes: {wait_minutes} is not 0 to {MAX_WAIT_MINUTES}")
    if target:
        parse_address(target)
        load_plan(plan)
    elif plan.strip() or wait_minutes:
        raise ConfigError("rollout_plan and rollout_wait_minutes are of no use without a rollout_target")


def check_reachable(version: ModelVersion, target: str) -> None:
    """Refuse a version that the target's pods cannot load: KServe stops at such a URI without a word."""
    if isinstance(parse_address(target), KServeAddress) and not version.uri.startswith(_KSERVE_SCHEMES):
        raise ConfigError(
            f"registry_uri: {target} cannot load {version.uri}; it must begin with {' or '.join(_KSERVE_SCHEMES)}"
        )


def _ask(records: Rollouts, storage: Storage, version: ModelVersion, plan: str) -> Stored | None:
    """The version's rollout; None for one that went live without any."""
    if version.state is State.LIVE:
        with suppress(NotFound):
            return records.read(version.version)
        return None
    # A cluster accepts no other name than the one by which it knows the step's account.
    cause = Cause(records.user() or ACTOR, utc_now(), PASSED)
    return ask_once(records, storage, version, load_plan(plan), cause)


def _tell(stored: Stored, problem: str) -> None:
    """A line of the step's log; what stands in it holds no note text."""
    status = stored.status
    known = {"percent": status.percent, "reason": status.reason, "waits_for": status.waits_for, "problem": problem}
    place = f"{status.step + 1}/{len(stored.spec.plan.steps)}"
    said = {name: value for name, value in known.items() if value not in {None, ""}}
    _log.info("rollout", name=stored.spec.name, phase=status.phase, step=place, **said)


def _late(stored: Stored, minutes: int) -> RolloutError:
    status = stored.status
    return RolloutError(
        f"rollout {stored.spec.name} is {status.phase} after rollout_wait_minutes = {minutes} and goes on without this step; "
        f"it waits for {status.waits_for or 'somebody who advances it'}"
    )
