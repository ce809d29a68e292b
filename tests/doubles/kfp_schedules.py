"""Recurring runs of the double: as many of one name as are posted, each with an object of its own that fires."""

import re
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import kfp_server_api as models

from tests.doubles.kfp_filters import ApiError, filtered, page

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_CRON = re.compile(r"@\w+|[0-9A-Za-z*/,?-]+( [0-9A-Za-z*/,?-]+){4,5}")
_MAX_NAME_CHARACTERS = 255
ENDED = {"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"}


@dataclass(slots=True)
class Schedules:
    """``rows`` is what the API shows, ``firing`` the objects in the cluster: a create that fails after the first leaves one."""

    rows: dict[str, models.V2beta1RecurringRun] = field(default_factory=dict)
    firing: dict[str, models.V2beta1RecurringRun] = field(default_factory=dict)
    hidden_lists: int = 0
    """So many lists do not show what was created last, as while a slow create is still being written."""

    _lock: threading.RLock = field(default_factory=threading.RLock)
    _last: str = ""

    def create(self, row: models.V2beta1RecurringRun) -> models.V2beta1RecurringRun:
        """No name is taken: the object comes first, then the row."""
        _check(row)
        with self._lock:
            row.recurring_run_id = self._last = str(uuid.uuid4())
            row.created_at = row.updated_at = FIRST + timedelta(seconds=len(self.firing))
            _show_mode(row, enabled=row.mode == "ENABLE")
            self.firing[row.recurring_run_id] = row
            if len(row.display_name) > _MAX_NAME_CHARACTERS:
                raise ApiError(500, "data too long for column DisplayName")
            self.rows[row.recurring_run_id] = row
            return row

    def get(self, row_id: str) -> models.V2beta1RecurringRun:
        if row_id not in self.rows:
            raise ApiError(404, f"RecurringRun {row_id} not found")
        return self.rows[row_id]

    def listed(self, query: dict[str, str]) -> models.V2beta1ListRecurringRunsResponse:
        with self._lock:
            hidden, self.hidden_lists = self.hidden_lists > 0, max(0, self.hidden_lists - 1)
            shown = [row for row in self.rows.values() if not (hidden and row.recurring_run_id == self._last)]
        found, token = page(filtered(shown, query.get("filter", ""), {"display_name", "recurring_run_id"}), query)
        return models.V2beta1ListRecurringRunsResponse(recurring_runs=found or None, next_page_token=token)

    def change(self, row_id: str, *, enabled: bool) -> dict[str, Any]:
        _show_mode(self.get(row_id), enabled=enabled)
        return {}

    def delete(self, row_id: str, runs: dict[str, models.V2beta1Run], workflows: list[str]) -> dict[str, Any]:
        """The workflows of its running runs go too; those runs stay RUNNING for ever."""
        self.get(row_id)
        with self._lock:
            del self.rows[row_id], self.firing[row_id]
            for run in runs.values():
                if run.recurring_run_id == row_id and run.state not in ENDED and run.run_id in workflows:
                    workflows.remove(run.run_id)
        return {}

    def fire(self, runs: dict[str, models.V2beta1Run], workflows: list[str]) -> None:
        """The time has come: every enabled object starts a workflow, unless one of its own goes on."""
        for row in list(self.firing.values()):
            going_on = [run for run in runs.values() if run.recurring_run_id == row.recurring_run_id and run.state not in ENDED]
            if row.mode == "ENABLE" and len(going_on) < int(row.max_concurrency):
                run = models.V2beta1Run(
                    run_id=str(uuid.uuid4()),
                    display_name=f"{row.display_name} {len(runs)}",
                    experiment_id=row.experiment_id,
                    recurring_run_id=row.recurring_run_id,
                    pipeline_version_reference=row.pipeline_version_reference,
                    runtime_config=row.runtime_config,
                    service_account=row.service_account,
                    created_at=FIRST + timedelta(seconds=len(runs)),
                    state="RUNNING",
                )
                runs[run.run_id] = run
                workflows.append(run.run_id)


def _show_mode(row: models.V2beta1RecurringRun, *, enabled: bool) -> None:
    row.mode, row.status = ("ENABLE", "ENABLED") if enabled else ("DISABLE", "DISABLED")


def _check(row: models.V2beta1RecurringRun) -> None:
    if not 1 <= int(row.max_concurrency or 0) <= 10:
        raise ApiError(400, "The max concurrency of the recurring run is out of range")
    cron, periodic = row.trigger.cron_schedule, row.trigger.periodic_schedule
    if cron and not _CRON.fullmatch(cron.cron):
        raise ApiError(400, "Schedule cron is not a supported format")
    if periodic and int(periodic.interval_second) < 1:
        raise ApiError(400, "Found invalid period schedule interval")
