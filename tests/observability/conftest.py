"""The stack that this folder's tests share, and the fixtures of other folders that it is made of."""

from collections.abc import Iterator

import pytest

from tests.clinical_ner.conftest import other_model, tiny_model
from tests.clinical_ner.stages.conftest import finished, monitored
from tests.clinical_ner.stages.monitored import make_live, run_resubmit
from tests.observability import stack as stacks
from tests.serving.logged_requests import log_options
from tests.serving.server_process import ServerProcess

__all__ = ["finished", "monitored", "other_model", "tiny_model"]


@pytest.fixture(scope="session")
def stack(finished, monitored, tiny_model, other_model, tmp_path_factory) -> Iterator[stacks.Stack]:
    """Everything has run and reports; traffic goes on."""
    folder = tmp_path_factory.mktemp("stack")
    staging = make_live(finished, folder / "staging", reference_notes=0)
    stacks.make_worse_version_live(staging, tiny_model)
    model = stacks.write_live_model(monitored, folder / "model")
    options = [*log_options(folder), "--inference-log-flush-seconds", "2", "--review-uniform-probability", "0.5"]
    with ServerProcess(model, folder / "server.log", *options) as server:
        server.wait_ready()
        with stacks.running(folder, server) as started:
            stacks.monitor(monitored, folder / "prod-run", started.metrics_to("prod"))
            run_resubmit(monitored, folder / "prod-run", metrics_to=started.metrics_to("prod"))
            stacks.monitor(staging, folder / "staging-run", started.metrics_to("staging"))
            stacks.compute_key_figures(folder / "kpi", other_model, started.metrics_to("prod"))
            yield started
