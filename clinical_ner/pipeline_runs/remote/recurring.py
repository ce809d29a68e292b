"""KFP's recurring runs, one request a function: look, create, pause, resume, delete.

The server takes any number of recurring runs of one name, and each fires. It makes the object that fires before the row that
lists show, so a create without a clear reply is never repeated here: what no list shows may fire all the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import kfp_server_api
from kfp_server_api import ApiException

from clinical_ner.errors import PipelineRunError
from clinical_ner.pipeline_runs.remote.creation import Patience, RunRequest, look_until_there
from clinical_ner.pipeline_runs.remote.endpoint import Endpoint, Failure, is_unclear, status_of
from clinical_ner.pipeline_runs.remote.triggers import Trigger
from clinical_ner.pipeline_runs.remote.versions import equals_filter

MAX_CONCURRENCY = 1
_PAGE = 100
_ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"})


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurring run as the server has it; a paused one starts nothing."""

    id: str
    name: str
    paused: bool
    trigger: Trigger
    version_id: str
    experiment_id: str
    arguments: Mapping[str, object]
    service_account: str
    max_concurrency: int
    no_catchup: bool
    created: datetime | None


def list_schedules(endpoint: Endpoint, namespace: str, name: str = "") -> list[Schedule]:
    """All recurring runs of a namespace, or those called ``name``, oldest first."""
    found, token = [], ""
    while True:
        with endpoint.reporting("list the recurring runs"):
            reply = endpoint.recurring_runs.recurring_run_service_list_recurring_runs(
                namespace=namespace,
                filter=equals_filter("display_name", name) if name else "",
                sort_by="created_at",
                page_size=_PAGE,
                page_token=token,
                _request_timeout=endpoint.timeout,
            )
        found += [_schedule(model) for model in reply.recurring_runs or []]
        if not (token := reply.next_page_token or ""):
            return found


def find_schedule(endpoint: Endpoint, schedule_id: str) -> Schedule | None:
    """The recurring run of that id, or None when the server says that it has none."""
    with endpoint.reporting(f"look for recurring run {schedule_id}"):
        try:
            return _schedule(
                endpoint.recurring_runs.recurring_run_service_get_recurring_run(schedule_id, _request_timeout=endpoint.timeout)
            )
        except ApiException as error:
            if status_of(error) == 404:
                return None
            raise


def create_schedule(
    endpoint: Endpoint, request: RunRequest, trigger: Trigger, namespace: str, *, paused: bool, patience: Patience
) -> Schedule:
    """Create a recurring run called ``request.name``; posts once, and looks for it when the reply is lost.

    Raises:
        PipelineRunError: the server refused, or it is not clear whether it created one.
    """
    before = {schedule.id for schedule in list_schedules(endpoint, namespace, request.name)}

    def look() -> Schedule | None:
        made = [schedule for schedule in list_schedules(endpoint, namespace, request.name) if schedule.id not in before]
        return next(iter(made), None)

    with endpoint.reporting(f"create recurring run {request.name}"):
        try:
            endpoint.recurring_runs.recurring_run_service_create_recurring_run(
                _body(request, trigger, paused=paused), _request_timeout=endpoint.timeout
            )
        except Failure as error:
            if not is_unclear(error):
                raise
            if (made := look_until_there(look, f"recurring run {request.name}", patience)) is None:
                raise
            return made
    if (made := look()) is None:  # a reply of status 200 that is no recurring run, such as a login page
        raise PipelineRunError(f"{endpoint.host} took recurring run {request.name} and does not list it. Check the address")
    return made


def pause_schedule(endpoint: Endpoint, schedule: Schedule) -> None:
    """It fires no more; what it started goes on. One that is gone counts as paused."""
    _change(endpoint, schedule, "pause", endpoint.recurring_runs.recurring_run_service_disable_recurring_run)


def resume_schedule(endpoint: Endpoint, schedule: Schedule) -> None:
    """It fires again, for the next time and not for those that it missed."""
    _change(endpoint, schedule, "resume", endpoint.recurring_runs.recurring_run_service_enable_recurring_run)


def delete_schedule(endpoint: Endpoint, schedule: Schedule) -> None:
    """Gone, and with it the workflows of its runs that are going on; one that is gone already stays so."""
    _change(endpoint, schedule, "delete", endpoint.recurring_runs.recurring_run_service_delete_recurring_run)


def running_runs(endpoint: Endpoint, schedule: Schedule) -> list[str]:
    """Ids of its runs that have not ended, looked for from the newest on.

    One goes on at a time, so the search ends with the page that shows an ended one. The server's filter takes the name
    ``recurring_run_id`` and fails over it, its column being called otherwise (read): the runs are told apart here.
    """
    found: list[str] = []
    for page in _pages_of_runs(endpoint, schedule.experiment_id):
        own = [run for run in page if run.recurring_run_id == schedule.id]
        found += [str(run.run_id) for run in own if (run.state or "") not in _ENDED]
        if any(run.state in _ENDED for run in own):
            break
    return found


def _pages_of_runs(endpoint: Endpoint, experiment_id: str) -> Iterator[list[kfp_server_api.V2beta1Run]]:
    token = ""
    while True:
        with endpoint.reporting(f"list the runs of experiment {experiment_id}"):
            reply = endpoint.runs.run_service_list_runs(
                experiment_id=experiment_id,
                sort_by="created_at desc",
                page_size=_PAGE,
                page_token=token,
                _request_timeout=endpoint.timeout,
            )
        yield reply.runs or []
        if not (token := reply.next_page_token or ""):
            return


def differences(schedule: Schedule, request: RunRequest, trigger: Trigger, defaults: Mapping[str, object]) -> Iterator[str]:
    """What would change if ``schedule`` were replaced; no value of a parameter is shown."""
    if schedule.trigger != trigger:
        yield f"it fires by {schedule.trigger}, not {trigger}"
    if schedule.version_id != request.version.version_id:
        yield f"it runs pipeline version {schedule.version_id}, not {request.version.version_id} ({request.version.name})"
    old, new = {**defaults, **schedule.arguments}, {**defaults, **request.arguments}
    if changed := sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)):
        yield f"other values of {', '.join(changed)}"
    if schedule.experiment_id != request.experiment_id:
        yield "its runs go to another experiment"
    if request.service_account and schedule.service_account != request.service_account:
        yield f"its runs use service account {schedule.service_account or '(none)'}, not {request.service_account}"
    if schedule.max_concurrency != MAX_CONCURRENCY or not schedule.no_catchup:
        yield "it starts several runs at once, or catches up on missed ones"


def _change(endpoint: Endpoint, schedule: Schedule, verb: str, call: Any) -> None:
    with endpoint.reporting(f"{verb} recurring run {schedule.name} ({schedule.id})"):
        try:
            call(schedule.id, _request_timeout=endpoint.timeout)
        except ApiException as error:
            if status_of(error) != 404 or verb == "resume":
                raise


def _body(request: RunRequest, trigger: Trigger, *, paused: bool) -> kfp_server_api.V2beta1RecurringRun:
    """As ``kfp.Client.create_recurring_run`` builds it, whose create waits for ever; caching stays the compiled spec's."""
    modes = kfp_server_api.RecurringRunMode
    if trigger.cron:
        when = kfp_server_api.V2beta1Trigger(cron_schedule=kfp_server_api.V2beta1CronSchedule(cron=trigger.cron))
    else:
        periodic = kfp_server_api.V2beta1PeriodicSchedule(interval_second=str(trigger.every_seconds))
        when = kfp_server_api.V2beta1Trigger(periodic_schedule=periodic)
    return kfp_server_api.V2beta1RecurringRun(
        display_name=request.name,
        experiment_id=request.experiment_id,
        mode=modes.DISABLE if paused else modes.ENABLE,
        pipeline_version_reference=kfp_server_api.V2beta1PipelineVersionReference(
            pipeline_id=request.version.pipeline_id, pipeline_version_id=request.version.version_id
        ),
        runtime_config=kfp_server_api.V2beta1RuntimeConfig(parameters=dict(request.arguments)),
        trigger=when,
        max_concurrency=str(MAX_CONCURRENCY),
        no_catchup=True,
        service_account=request.service_account or None,
    )


def _schedule(model: Any) -> Schedule:
    trigger, reference, config = model.trigger, model.pipeline_version_reference, model.runtime_config
    cron = trigger.cron_schedule if trigger else None
    periodic = trigger.periodic_schedule if trigger else None
    return Schedule(
        id=str(model.recurring_run_id),
        name=str(model.display_name),
        paused="DISABLED" in str(model.status) or model.mode == "DISABLE",
        trigger=Trigger(cron.cron or "" if cron else "", int(periodic.interval_second or 0) if periodic else 0),
        version_id=str(reference.pipeline_version_id) if reference else "",
        experiment_id=str(model.experiment_id),
        arguments=dict(config.parameters or {}) if config else {},
        service_account=str(model.service_account or ""),
        max_concurrency=int(model.max_concurrency or 0),
        no_catchup=bool(model.no_catchup),
        created=model.created_at,
    )
