"""From gauges to where Prometheus finds them: a Pushgateway, or a folder of the node exporter's textfile collector.

prometheus-client speaks to both (https://prometheus.github.io/client_python/exporting/).
"""

import re
import threading
from http.client import HTTPException
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

import structlog
from prometheus_client import push_to_gateway, write_to_textfile

from clinical_ner.batch_metrics.series import Job, Series
from clinical_ner.errors import ConfigError

PUSH_SECONDS = 10.0
"""Longest that a step waits for a Pushgateway; one that answers takes milliseconds."""
_GATEWAY_SCHEMES = ("http", "https")
_EXPECTED = (
    "metrics_to: an http(s) address of a Pushgateway, with labels for its groups as in ?namespace=production, or a folder, a "
    "path or file:///an/absolute/path, is expected"
)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

_log = structlog.get_logger()


def check_destination(metrics_to: str) -> None:
    """Refuse what cannot be a destination; ``""`` is none, and is fine.

    Raises:
        ConfigError: it is neither address nor folder, or carries a password, which would be shown with every run.
    """
    if not metrics_to:
        return
    try:
        url = urlsplit(metrics_to)
        known = _is_whole(url) if _is_gateway(metrics_to) else _folder_of(metrics_to)
    except ValueError as error:  # a port that is no number, a label without a value
        raise ConfigError(_EXPECTED) from error
    if url.username or url.password:
        raise ConfigError("metrics_to holds a user or password, which would be stored and shown with the run: leave it out")
    if not known:
        raise ConfigError(_EXPECTED)


def publish(series: Series, metrics_to: str) -> bool:
    """Put the series in place of those of their job's last report. Whether that worked; nowhere to put them is fine.

    A gateway that is down, slow or refuses, and a folder that cannot be written, are a warning in the log and no error: what a
    job found is worth more than its being counted. It takes :data:`PUSH_SECONDS` at most.

    Raises:
        ConfigError: as :func:`check_destination`.
    """
    check_destination(metrics_to)
    if not metrics_to:
        return True
    problem = _push(series, metrics_to) if _is_gateway(metrics_to) else _write(series, _folder_of(metrics_to))
    if problem:
        _log.warning("metrics_not_published", to=metrics_to, job=series.job.name, problem=problem, **series.job.group)
    return not problem


def _push(series: Series, gateway: str) -> str:
    """What went wrong, or ``""``. In a thread: the client's own limit is for each wait, and not for finding the host."""
    problems: list[str] = []

    def push() -> None:
        name, group = series.job
        url = urlsplit(gateway)
        labels = dict(parse_qsl(url.query)) | dict(group)
        try:
            push_to_gateway(url._replace(query="").geturl(), name, series.registry, labels, timeout=PUSH_SECONDS)
        except (OSError, HTTPException, ValueError) as error:  # ValueError: a host name that cannot be encoded
            problems.append(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=push, name="push-metrics", daemon=True)
    thread.start()
    thread.join(PUSH_SECONDS)
    if thread.is_alive():
        return f"no answer within {PUSH_SECONDS:g} s"
    return problems[0] if problems else ""


def _write(series: Series, folder: str) -> str:
    """What went wrong, or ``""``. The file appears whole: the collector may read it at any moment."""
    path = Path(folder) / _file_name(series.job)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(str(path), series.registry)
    except OSError as error:
        return f"{path}: {error.strerror or type(error).__name__}"
    return ""


def _file_name(job: Job) -> str:
    """The collector reads what ends in ``.prom``."""
    return "_".join(quote(part, safe="") for part in (job.name, *job.group.values())) + ".prom"


def _is_whole(url: SplitResult) -> bool:
    """A host, and labels that the Pushgateway takes. Raises ValueError for what is none."""
    labels = parse_qsl(url.query, keep_blank_values=True, strict_parsing=True) if url.query else []
    named = all(_LABEL.fullmatch(name) and name != "job" and value for name, value in labels)
    return bool(url.hostname) and url.port != 0 and named and not url.fragment


def _is_gateway(metrics_to: str) -> bool:
    return urlsplit(metrics_to).scheme in _GATEWAY_SCHEMES


def _folder_of(metrics_to: str) -> str:
    """The folder's path; ``""`` when it names none."""
    scheme, separator, _ = metrics_to.partition("://")
    if not separator:
        return "" if metrics_to.startswith("file:") else metrics_to
    parts = urlsplit(metrics_to)
    local = scheme.lower() == "file" and parts.netloc in {"", "localhost"} and not parts.query and not parts.fragment
    return unquote(parts.path) if local else ""
