"""How people and pipelines name the service whose traffic a rollout divides. Pure.

::

    local:FOLDER                 two model servers behind a split on this machine
    kserve:NAMESPACE/SERVICE     an InferenceService of a cluster
"""

import re
from pathlib import Path
from typing import NamedTuple

from clinical_ner.errors import ConfigError

LOCAL, KSERVE = "local:", "kserve:"
_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"  # https://www.rfc-editor.org/rfc/rfc1123
_KSERVE = re.compile(rf"({_LABEL})/({_LABEL})", re.ASCII)


class LocalAddress(NamedTuple):
    """The folder of a local service."""

    folder: Path


class KServeAddress(NamedTuple):
    """An InferenceService by its names."""

    namespace: str
    service: str


def parse_address(address: str) -> LocalAddress | KServeAddress:
    """What an address names.

    Raises:
        ConfigError: it is neither kind; the message quotes it.
    """
    if address.startswith(LOCAL) and address != LOCAL:
        return LocalAddress(Path(address.removeprefix(LOCAL)))
    names = _KSERVE.fullmatch(address.removeprefix(KSERVE)) if address.startswith(KSERVE) else None
    if names is None:
        raise ConfigError(
            f"rollout target {address!r}: expected {LOCAL}FOLDER, the folder of a local service, or {KSERVE}NAMESPACE/SERVICE"
        )
    return KServeAddress(*names.groups())
