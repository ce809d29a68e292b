"""The double does what the real KFP API was measured to do, asked by KFP's own generated client."""

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError

import kfp
import kfp_server_api as models
import pytest
from kfp_server_api import ApiException

from clinical_ner.pipeline_runs.remote import SubmitOptions, submit
from clinical_ner.pipeline_runs.remote.endpoint import connect
from pipelines.definitions import TRAINING
from tests.doubles.kfp_api import running_kfp_api
from tests.doubles.kfp_store import Script


@pytest.fixture
def api():
    with running_kfp_api() as running:
        yield running


@pytest.fixture
def endpoint(api):
    return connect(api.host)


@pytest.fixture
def body(api):
    """``body(run_id)``: a run of the training pipeline, which is uploaded."""
    run = submit(TRAINING.compiled, {}, SubmitOptions(host=api.host))
    known = api.store.runs.pop(run.run_id)
    api.store.workflows.clear()
    api.store.executed.clear()
    fields = ("experiment_id", "pipeline_version_reference", "runtime_config")
    chosen = {name: getattr(known, name) for name in fields}

    def build(run_id=None, **changes):
        return models.V2beta1Run(**chosen | {"run_id": run_id, "display_name": "r"} | changes)

    return build


def recurring(run, **changes):
    fields = {
        "display_name": "nightly",
        "experiment_id": run.experiment_id,
        "pipeline_version_reference": run.pipeline_version_reference,
        "runtime_config": run.runtime_config,
        "trigger": models.V2beta1Trigger(cron_schedule=models.V2beta1CronSchedule(cron="0 0 * * * *")),
        "max_concurrency": "1",
        "mode": "ENABLE",
    }
    return models.V2beta1RecurringRun(**fields | changes)


def status_of(call, *arguments, **options):
    with pytest.raises(ApiException) as failure:
        call(*arguments, **options)
    return failure.value.status


def test_run_id_twice_starts_two_workflows(api, endpoint, body):
    """200, then 500, and both execute."""
    endpoint.runs.run_service_create_run(body("one"))
    assert status_of(endpoint.runs.run_service_create_run, body("one")) == 500
    assert api.store.workflows == ["one", "one"]


def test_long_name_is_refused_and_runs(api, endpoint, body):
    """500, and a workflow."""
    assert status_of(endpoint.runs.run_service_create_run, body(display_name="x" * 256)) == 500
    assert len(api.store.workflows) == 1


def test_experiment_name_is_taken_once(endpoint):
    """Of 16 at once one gets 200, the others 409."""

    def create(_):
        try:
            endpoint.experiments.experiment_service_create_experiment(models.V2beta1Experiment(display_name="m"))
        except ApiException as error:
            return error.status
        return 200

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(create, range(16))) == [200, *[409] * 15]


def test_caching_of_a_request_is_ignored(api, body):
    """What the compiled spec caches comes from the cache, although KFP's client was told not to."""
    run = body()
    reference = run.pipeline_version_reference
    client = kfp.Client(host=api.host, namespace="unused")
    runs = [
        client.run_pipeline(
            run.experiment_id,
            "again",
            pipeline_id=reference.pipeline_id,
            version_id=reference.pipeline_version_id,
            params={"seed": 5},
            enable_caching=False,
        ).run_id
        for _ in range(2)
    ]
    first, second = ({task for run_id, task in api.store.executed if run_id == each} for each in runs)
    assert {"ingest", "train", "quality-gate"} <= first
    assert "ingest" in second
    assert "train" not in second


@pytest.mark.parametrize(
    ("parameters", "status"),
    [({"n_trials": 1.5}, 200), ({"n_trials": "5"}, 400), ({"n_trials": True}, 400), ({"no_such": 1}, 400)],
)
def test_parameters_are_checked_as_loosely_as_by_the_real_one(endpoint, body, parameters, status):
    """1.5 for a whole number is accepted."""
    run = body(runtime_config=models.V2beta1RuntimeConfig(parameters=parameters))
    if status == 200:
        endpoint.runs.run_service_create_run(run)
    else:
        assert status_of(endpoint.runs.run_service_create_run, run) == status


def test_missing_things_have_the_statuses_of_the_real_one(endpoint, body):
    """No version: 500; no experiment, run or recurring run: 404."""
    nowhere = models.V2beta1PipelineVersionReference(pipeline_id="p", pipeline_version_id="v")
    assert status_of(endpoint.runs.run_service_create_run, body(pipeline_version_reference=nowhere)) == 500
    assert status_of(endpoint.runs.run_service_create_run, body(experiment_id="none")) == 404
    assert status_of(endpoint.runs.run_service_get_run, "none") == 404
    assert status_of(endpoint.recurring_runs.recurring_run_service_get_recurring_run, "none") == 404
    assert status_of(endpoint.recurring_runs.recurring_run_service_delete_recurring_run, "none") == 404


def test_empty_lists_are_none(endpoint):
    """As the real API leaves them out."""
    assert endpoint.pipelines.pipeline_service_list_pipelines().pipelines is None
    assert endpoint.experiments.experiment_service_list_experiments().experiments is None
    assert endpoint.runs.run_service_list_runs().runs is None
    assert endpoint.recurring_runs.recurring_run_service_list_recurring_runs().recurring_runs is None


@pytest.mark.parametrize("path", ["runs", "recurringruns", "experiments", "pipelines"])
@pytest.mark.parametrize("content", [b"{", b'{"no_such_field": 1}'])
def test_request_that_is_not_of_its_model_is_refused(api, path, content):
    """What kfp_server_api's model of the body does not have is 400."""
    request = urllib.request.Request(f"{api.host}/apis/v2beta1/{path}", data=content, method="POST")
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 400


def test_run_state_follows_its_script(api, endpoint, body):
    """PENDING, none at all, RUNNING, and FAILED that becomes RUNNING again."""
    api.store.script = Script(steps=("train",), failing_step="train", recovers=True)
    endpoint.runs.run_service_create_run(body("one"))
    states = [endpoint.runs.run_service_get_run("one").state for _ in range(6)]
    assert states == ["PENDING", None, "RUNNING", "FAILED", "RUNNING", "SUCCEEDED"]


def test_recurring_runs_of_one_name_all_fire(api, endpoint, body):
    """The server takes both, and starts a workflow of each; a paused one starts none."""
    create = endpoint.recurring_runs.recurring_run_service_create_recurring_run
    ids = {create(recurring(body(), mode=mode)).recurring_run_id for mode in ("ENABLE", "ENABLE", "DISABLE")}
    api.store.fire()
    assert (len(ids), len(api.store.workflows)) == (3, 2)


def test_deleting_a_recurring_run_deletes_its_workflows(api, endpoint, body):
    """The run goes on being RUNNING without one, which is said nowhere."""
    row = endpoint.recurring_runs.recurring_run_service_create_recurring_run(recurring(body()))
    api.store.fire()
    (run_id,) = api.store.workflows
    endpoint.recurring_runs.recurring_run_service_delete_recurring_run(row.recurring_run_id)
    assert api.store.workflows == []
    assert api.store.runs[run_id].state == "RUNNING"
    api.store.fire()
    assert api.store.workflows == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"max_concurrency": "11"}, 400),
        ({"max_concurrency": None}, 400),
        ({"trigger": models.V2beta1Trigger(cron_schedule=models.V2beta1CronSchedule(cron="* *"))}, 400),
        ({"trigger": models.V2beta1Trigger(periodic_schedule=models.V2beta1PeriodicSchedule(interval_second="0"))}, 400),
        ({"experiment_id": "none"}, 404),
        ({"display_name": "x" * 256}, 500),
    ],
)
def test_recurring_run_that_cannot_be_is_refused(endpoint, body, change, status):
    """Concurrency 1 to 10, a cron of five or six fields, a second at least, names up to 255."""
    create = endpoint.recurring_runs.recurring_run_service_create_recurring_run
    assert status_of(create, recurring(body(), **change)) == status


def test_refused_row_may_leave_what_fires(api, endpoint, body):
    """The object in the cluster is made before the row: what no list shows starts workflows."""
    status_of(endpoint.recurring_runs.recurring_run_service_create_recurring_run, recurring(body(), display_name="x" * 256))
    assert endpoint.recurring_runs.recurring_run_service_list_recurring_runs().recurring_runs is None
    api.store.fire()
    assert len(api.store.workflows) == 1


def test_runs_cannot_be_filtered_by_their_recurring_run(endpoint):
    """The filter's name passes, and the query fails over it."""
    predicates = {"predicates": [{"operation": "EQUALS", "key": "recurring_run_id", "stringValue": "x"}]}
    assert status_of(endpoint.runs.run_service_list_runs, filter=json.dumps(predicates)) == 500
