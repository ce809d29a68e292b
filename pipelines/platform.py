"""What the platform team decides when a pipeline is compiled: image, identity, secrets, resources.

A kustomize image override does not reach a pipeline spec, so these choices enter at compile time. Pod Security "restricted"
asks for a numeric user; KFP's launcher adds the rest of the restricted security context.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kfp import dsl, kubernetes

from components._image import TRAIN_IMAGE

RUN_AS_USER = 1000
DEADLINE_SECONDS = 6 * 3600
DEADLINES = {"rollout": 25 * 3600}
"""Seconds by task; all others have :data:`DEADLINE_SECONDS`. A rollout may be waited for a day."""
SERVICE_ACCOUNT_ANNOTATION = "clinical-ner/service-account"
"""KFP keeps the service account with the run, not in the spec: it is noted here, where ``submit`` reads its default."""

S3_SECRET_KEYS = {"AWS_ACCESS_KEY_ID": "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY": "AWS_SECRET_ACCESS_KEY"}
S3_ENDPOINT, S3_REGION = "AWS_ENDPOINT_URL", "AWS_REGION"
S3_CONFIG_KEYS = {S3_ENDPOINT: S3_ENDPOINT, S3_REGION: S3_REGION}
STUDY_SECRET_KEYS = {"PGPASSWORD": "PGPASSWORD"}


@dataclass(frozen=True, slots=True)
class Resources:
    """Requests, in Kubernetes quantities, and the limit of memory; CPU has none."""

    cpu: str
    memory: str
    memory_limit: str


SMALL = Resources(cpu="250m", memory="512Mi", memory_limit="1Gi")
LARGE = Resources(cpu="1", memory="1Gi", memory_limit="4Gi")
RESOURCES = {
    "tune": LARGE,
    "tune-worker": LARGE,
    "train": LARGE,
    "list-workers": Resources(cpu="100m", memory="256Mi", memory_limit="512Mi"),
    "drift-report": Resources(cpu="250m", memory="768Mi", memory_limit="2Gi"),
}
"""By task; all others are :data:`SMALL`. Twice the peak of resident memory that was seen and more: 360 MiB of a drift report,
290 MiB of a training on 500 abstracts, at most 230 MiB of any other step. Limits leave room for larger corpora."""


@dataclass(frozen=True, slots=True)
class Platform:
    """The choices; empty strings leave a thing out."""

    image: str = TRAIN_IMAGE
    service_account: str = ""
    s3_secret: str = ""
    s3_config: str = ""
    s3_endpoint: str = ""
    s3_region: str = ""
    study_secret: str = ""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Of the pipelines' parameters, in the place of their own; each pipeline takes those that it has."""

    def apply(self, task: dsl.PipelineTask) -> None:
        """Set image, resources, deadline, identity and secrets of one task."""
        resources = RESOURCES.get(task.name, SMALL)
        task.set_container_image(self.image)
        task.set_cpu_request(resources.cpu).set_memory_request(resources.memory).set_memory_limit(resources.memory_limit)
        kubernetes.set_timeout(task, DEADLINES.get(task.name, DEADLINE_SECONDS))
        kubernetes.set_security_context(task, run_as_user=RUN_AS_USER, run_as_group=0, run_as_non_root=True)
        if self.service_account:
            kubernetes.add_pod_annotation(task, SERVICE_ACCOUNT_ANNOTATION, self.service_account)
        if self.s3_secret:
            kubernetes.use_secret_as_env(task, self.s3_secret, S3_SECRET_KEYS)
        if self.s3_config:
            kubernetes.use_config_map_as_env(task, self.s3_config, S3_CONFIG_KEYS)
        for name, value in ((S3_ENDPOINT, self.s3_endpoint), (S3_REGION, self.s3_region)):
            if value:
                task.set_env_variable(name, value)
        if self.study_secret:
            kubernetes.use_secret_as_env(task, self.study_secret, STUDY_SECRET_KEYS)
