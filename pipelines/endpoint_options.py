"""Options of the commands that talk to a KFP API, and what a pipeline's parameters default to there."""

from typing import TYPE_CHECKING, Annotated

import typer

from clinical_ner.settings import Settings
from pipelines.definitions import MONITORING, Definition

if TYPE_CHECKING:
    from clinical_ner.pipeline_runs.remote import SubmitOptions

KFP_IN_CLUSTER = "http://ml-pipeline.kubeflow.svc.cluster.local:8888"
"""Where pods reach the API of a Kubeflow Pipelines that was installed as its guide says; KFP's own client assumes it too."""

Host = Annotated[str, typer.Option(help="KFP API endpoint.", show_default="CLINICAL_NER_KFP_HOST")]
Namespace = Annotated[str, typer.Option(help="Profile of a multi-user Kubeflow; empty for a single-user one.")]
Experiment = Annotated[str, typer.Option(help="Experiment that the runs belong to; made when missing.")]
ServiceAccount = Annotated[str, typer.Option(help="Overrides the one given to `compile`.")]
AllowFileUris = Annotated[bool, typer.Option(help="Pods see the file:// URIs, on a shared volume.")]

DEFAULT_HOST = Settings().kfp_host
DEFAULT_EXPERIMENT = "clinical-ner"


def submit_options(host: str, namespace: str, **others: object) -> "SubmitOptions":
    """Options with the token of the environment; nothing is sent."""
    from clinical_ner.pipeline_runs.remote import SubmitOptions  # brings the Kubernetes client

    token = Settings().kfp_token.get_secret_value()
    return SubmitOptions(host=host, namespace=namespace, token=token, **others)  # type: ignore[arg-type]


def defaults_in_cluster(definition: Definition) -> dict[str, object]:
    """What a pipeline's parameters default to when it runs in a cluster: a monitor submits to the cluster's own API."""
    return {"kfp_host": KFP_IN_CLUSTER} if definition is MONITORING else {}


def with_namespace(parameters: dict[str, object], namespace: str) -> dict[str, object]:
    """The parameters, with trainings going to the monitor's own ``namespace`` unless another is given."""
    if parameters.get("kfp_namespace") == "":
        return {**parameters, "kfp_namespace": namespace}
    return parameters
