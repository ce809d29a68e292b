"""Schedules to ask for, and what the API has of them."""

from collections.abc import Callable

from clinical_ner.pipeline_runs.remote import SubmitOptions
from clinical_ner.pipeline_runs.remote.scheduling import Scheduled
from clinical_ner.pipeline_runs.remote.triggers import Trigger
from tests.doubles.kfp_api import KfpApi

SCHEDULES = "/apis/v2beta1/recurringruns"
HOURLY, DAILY = Trigger(cron="0 0 * * * *"), Trigger(every_seconds=86_400)
Options = Callable[..., SubmitOptions]
Plans = Callable[..., Scheduled]


def rows(api: KfpApi, *, paused: bool | None = None) -> list[str]:
    """Ids of the API's schedules, oldest first."""
    found = api.store.schedules.rows.values()
    return [row.recurring_run_id for row in found if paused is None or (row.mode == "DISABLE") is paused]


def mutexes(api: KfpApi) -> list[str]:
    return [each.display_name for each in api.store.experiments.values() if each.display_name.startswith("mutex-")]


def posted(api: KfpApi) -> int:
    return api.requests.count(f"POST {SCHEDULES}")
