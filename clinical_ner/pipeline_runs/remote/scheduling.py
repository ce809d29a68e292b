"""One schedule for a name: found when it is the same, replaced only when that is asked for, made once by however many callers.

The KFP API keeps none of this: it takes equal recurring runs as often as they are posted. So names are ours to keep, under a
mutex of each name. A replacement is made before the old one is paused: whatever is cut short leaves a schedule that fires,
perhaps for a moment two, and two monitors at once resubmit nothing twice. The old one is deleted last, and only when none of
its runs goes on, because deleting it deletes their workflows.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clinical_ner.errors import ConfigError, PipelineRunError
from clinical_ner.pipeline_runs.remote.checks import check_arguments
from clinical_ner.pipeline_runs.remote.creation import RunRequest, experiment_id
from clinical_ner.pipeline_runs.remote.endpoint import Endpoint
from clinical_ner.pipeline_runs.remote.mutex import Fence, holding
from clinical_ner.pipeline_runs.remote.package import Package, read_package
from clinical_ner.pipeline_runs.remote.recurring import (
    Schedule,
    create_schedule,
    delete_schedule,
    differences,
    find_schedule,
    list_schedules,
    pause_schedule,
    resume_schedule,
    running_runs,
)
from clinical_ner.pipeline_runs.remote.submission import SubmitOptions, check_name, open_endpoint, private_values
from clinical_ner.pipeline_runs.remote.triggers import Trigger
from clinical_ner.pipeline_runs.remote.versions import find_or_upload

_NAMES = uuid.UUID("0d0b3d0c-9a0e-5d57-8f0a-5b1f6b7f4c52")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to schedule: a name, when it fires, whether it waits for ``resume``, and whether it may replace another one."""

    name: str
    trigger: Trigger
    paused: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The schedule as it is now, how it came, and what a person should know: one line each."""

    schedule: Schedule
    outcome: Literal["created", "found", "replaced"]
    link: str
    notes: tuple[str, ...] = ()


def schedule(package_path: Path, arguments: Mapping[str, object], plan: Plan, options: SubmitOptions) -> Scheduled:
    """Make the endpoint run the compiled pipeline by ``plan``; after this call one schedule of that name fires, or none.

    Nothing is sent before the arguments are found to be right. ``options.run_name`` and ``options.key`` are not used.

    Raises:
        ConfigError: package, arguments or options are wrong, or another schedule has that name; the message says what to do.
        PipelineRunError: the endpoint refused, failed or could not be reached.
    """
    package = read_package(package_path)
    check_arguments(package, arguments, allow_file_uris=options.allow_file_uris)
    check_name("schedule's name", plan.name)
    check_name("experiment", options.experiment)
    endpoint = open_endpoint(options, private_values(package, arguments))
    request = RunRequest(
        name=plan.name,
        version=find_or_upload(endpoint, package, options.namespace),
        experiment_id=experiment_id(endpoint, options.experiment, options.namespace),
        arguments=arguments,
        service_account=options.service_account or package.service_account,
    )
    with _holding(endpoint, plan.name, options) as fence:
        return _settle(endpoint, package, request, plan, options, fence)


def schedules(options: SubmitOptions) -> list[Schedule]:
    """All schedules of the namespace, by whomever and of whatever pipeline, oldest first."""
    return list_schedules(open_endpoint(options), options.namespace)


def pause(name: str, options: SubmitOptions) -> list[Schedule]:
    """Pause the schedule of that name or id; several of one name are all paused."""
    with _held(name, options) as (endpoint, found):
        for each in found:
            pause_schedule(endpoint, each)
        return found


def resume(name: str, options: SubmitOptions) -> Schedule:
    """Let the paused schedule of that name or id fire again.

    Raises:
        ConfigError: there are several of that name, and only one may fire.
    """
    with _held(name, options) as (endpoint, found):
        if len(found) > 1:
            raise ConfigError(f"{_several(name, found)}: resume one by its id, or delete the others")
        resume_schedule(endpoint, found[0])
        return found[0]


def delete(name: str, options: SubmitOptions, *, stop_runs: bool = False) -> list[Schedule]:
    """Delete the schedule of that name or id; several of one name are all deleted.

    Raises:
        PipelineRunError: one of its runs goes on, which ``stop_runs`` would stop; it is paused then.
    """
    with _held(name, options) as (endpoint, found):
        for each in found:
            if note := _remove(endpoint, each, stop_runs=stop_runs):
                raise PipelineRunError(f"{note}; with --stop-runs it is deleted with its workflow")
        return found


def _settle(
    endpoint: Endpoint, package: Package, request: RunRequest, plan: Plan, options: SubmitOptions, fence: Fence
) -> Scheduled:
    found = list_schedules(endpoint, options.namespace, plan.name)
    defaults = {name: parameter.default for name, parameter in package.parameters.items()}
    changes = {each.id: tuple(differences(each, request, plan.trigger, defaults)) for each in found}
    same = [each for each in found if not changes[each.id] and (not each.paused or len(found) == 1)]
    keep = same[0] if same else None
    others = [each for each in found if each is not keep]
    if not plan.replace and (clash := [each for each in others if keep is None or not each.paused]):
        raise ConfigError(_clash(plan.name, clash, changes))
    fence()
    paused = plan.paused or (bool(others) and all(each.paused for each in others))
    made = keep or create_schedule(endpoint, request, plan.trigger, options.namespace, paused=paused, patience=options.patience)
    removed = [_remove(endpoint, each) for each in others]
    return Scheduled(
        schedule=made,
        outcome="found" if keep else "replaced" if others else "created",
        link=f"{(options.ui_host or options.host).rstrip('/')}/#/recurringrun/details/{made.id}",
        notes=tuple(note for note in (_state(made, plan), *removed) if note),
    )


def _remove(endpoint: Endpoint, old: Schedule, *, stop_runs: bool = False) -> str:
    """Pause it, so that nothing starts any more, and delete it unless a run goes on; the reason when it stays."""
    pause_schedule(endpoint, old)
    going_on = [] if stop_runs else running_runs(endpoint, old)
    if going_on:
        return f"schedule {old.name} ({old.id}) is paused and not deleted, because run {going_on[0]} goes on"
    delete_schedule(endpoint, old)
    return ""


def _state(made: Schedule, plan: Plan) -> str:
    if made.paused:
        return f"schedule {made.name} is paused: `python -m pipelines schedule resume {made.name}` lets it fire"
    return "it fires although --paused was given: it was there before; pause it by `schedule pause`" if plan.paused else ""


def _clash(name: str, clash: Sequence[Schedule], changes: Mapping[str, Sequence[str]]) -> str:
    told = "; ".join(changes[clash[0].id]) or "it is the same"
    start = f"schedule {name} exists already" if len(clash) == 1 else _several(name, clash)
    return f"{start}. {clash[0].id}: {told}. Give --replace to put this one in its place, or another --name"


def _several(name: str, found: Sequence[Schedule]) -> str:
    return f"{len(found)} schedules are called {name} ({', '.join(each.id for each in found)})"


def _holding(endpoint: Endpoint, name: str, options: SubmitOptions) -> AbstractContextManager[Fence]:
    return holding(endpoint, f"mutex-schedule-{uuid.uuid5(_NAMES, name)}", options.namespace, options.patience)


@contextmanager
def _held(name_or_id: str, options: SubmitOptions) -> Iterator[tuple[Endpoint, list[Schedule]]]:
    """The schedules of that name, or the one of that id, while nobody else changes any of that name."""
    endpoint = open_endpoint(options)
    by_id = find_schedule(endpoint, name_or_id) if _is_id(name_or_id) else None
    with _holding(endpoint, by_id.name if by_id else name_or_id, options):
        found = [by_id] if by_id else list_schedules(endpoint, options.namespace, name_or_id)
        if not found:
            raise ConfigError(f"there is no schedule {name_or_id} at {endpoint.host}; `schedule list` shows those that are")
        yield endpoint, found


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
