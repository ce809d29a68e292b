"""``clinical-ner rollout controller``: what runs in a cluster and advances the rollouts of one service."""

import signal
import socket
import sys
import threading
import uuid
from typing import Annotated

import orjson
import structlog
import typer

from clinical_ner.cli.options import DEFAULT_NAME, ModelName, RegistryUri, open_registry
from clinical_ner.cli.rollout_services import TARGET
from clinical_ner.cli.rollout_targets import PrometheusUrl, open_target
from clinical_ner.errors import ConfigError
from clinical_ner.rollout.addresses import KServeAddress, parse_address

METRICS_PORT = 9090


def controller(  # a command's options are its parameters
    registry_uri: RegistryUri,
    target: Annotated[str, typer.Option("--target", envvar=TARGET, help="The service: kserve:NAMESPACE/SERVICE.")],
    name: ModelName = DEFAULT_NAME,
    prometheus: PrometheusUrl = "",
    replicas: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Pods of each version in KServe's Standard mode; as many as now when left out."),
    ] = None,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 5.0,
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of /metrics and /healthz; 0 is any.")
    ] = METRICS_PORT,
) -> None:
    """Carry out all rollouts of a cluster's service until interrupted. Of several controllers one acts; the others wait.

    Example: clinical-ner rollout controller --target kserve:clinical-ner/clinical-ner
    """
    from prometheus_client import CollectorRegistry

    from clinical_ner.kubernetes_api import KubernetesApi
    from clinical_ner.rollout.controller.assembly import make_controller
    from clinical_ner.rollout.controller.endpoints import answering
    from clinical_ner.rollout.controller.late import LateService
    from clinical_ner.rollout.controller.lease import ClusterLease

    address = parse_address(target)
    if not isinstance(address, KServeAddress):
        raise ConfigError(f"--target {target}: expected kserve:NAMESPACE/SERVICE; `clinical-ner rollout run` is for local ones")
    lease = ClusterLease(KubernetesApi.connect(address.namespace), f"{socket.gethostname()}_{uuid.uuid4()}", address.service)
    opened = LateService(lambda: open_target(target, name, prometheus, replicas))
    registry, shown, log = open_registry(registry_uri), CollectorRegistry(), _json_log()
    made = make_controller(lease, address.service, name, target=opened, source=opened, registry=registry, shown=shown, log=log)
    with answering(metrics_port, shown, lambda: made.healthy) as port:
        log.info("started", target=target, identity=lease.identity, port=port)
        made.run(_stop_at_signals(), interval_seconds=interval)
    log.info("stopped", target=target, identity=lease.identity)


def _stop_at_signals() -> threading.Event:
    """Set when the process is asked to end."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _json_log() -> structlog.typing.FilteringBoundLogger:
    """One JSON object a line on standard error."""
    log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=lambda event, **_: orjson.dumps(event, default=str).decode()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
    )
    return log
