"""Where the log lies in its store.

``inference-log/model=<name>/version=<version>/date=YYYY-MM-DD/hour=HH/<sha256 of the file>.parquet``, by the request's time
in UTC. Files that cannot be read lie under the same path in ``inference-log-quarantine/``, spool files under ``spool/`` there.
"""

import re
from datetime import UTC, date, datetime
from typing import NamedTuple

from clinical_ner.digests import digest_of, hex_of

LOG = "inference-log/"
QUARANTINE = "inference-log-quarantine/"
REASON = ".reason.txt"

_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9_@+.-]", re.ASCII)
_KEY = re.compile(
    rf"{LOG}model=(?P<model>[^/]+)/version=(?P<version>[^/]+)/date=(?P<date>\d{{4}}-\d\d-\d\d)/hour=(?P<hour>\d\d)/"
    rf"(?P<name>[^/]+)"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"/date=(\d{4}-\d\d-\d\d)/")


class LogFile(NamedTuple):
    """A file of the log, as its key tells; ``hour`` is the beginning of the hour of its records."""

    key: str
    model: str
    version: str
    hour: datetime

    @property
    def digest(self) -> str:
        """That of its content, by its name; empty where the name is none, as other programs choose theirs."""
        name = self.key.rpartition("/")[2].removesuffix(".parquet")
        return f"sha256:{name}" if _DIGEST.fullmatch(name) else ""


def folder_of(model: str, version: str = "", day: date | None = None) -> str:
    """The prefix of a model's files, of one version's, or of a day's. Characters that no key may hold become ``_``."""
    parts = [f"model={_safe(model)}", *([f"version={_safe(version)}"] if version else [])]
    return f"{LOG}{'/'.join([*parts, *([f'date={day.isoformat()}'] if day else [])])}/"


def file_key(model: str, version: str, hour: datetime, data: bytes) -> str:
    """The key of a Parquet file ``data`` of records from within ``hour``."""
    return f"{folder_of(model, version or '_', hour.date())}hour={hour:%H}/{hex_of(digest_of(data))}.parquet"


def parse_key(key: str) -> LogFile | None:
    """The file under ``key``; None where the log's files do not lie."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    try:
        hour = datetime.fromisoformat(f"{match['date']}T{match['hour']}").replace(tzinfo=UTC)
    except ValueError:
        return None
    return LogFile(key, match["model"], match["version"], hour)


def date_of(key: str) -> date | None:
    """The day of anything in the log or its quarantine; None when its key tells none."""
    match = _DATE.search(key)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def quarantined(key: str) -> str:
    """Where a file of the log goes that cannot be read."""
    return QUARANTINE + key.removeprefix(LOG)


def quarantined_segment(day: date, data: bytes) -> str:
    """Where a spool file goes that holds damaged records."""
    return f"{QUARANTINE}spool/date={day.isoformat()}/{hex_of(digest_of(data))}.spool"


def _safe(value: str) -> str:
    # A component may not begin with a dot; these follow "model=" and "version=" and may.
    return _NOT_IN_KEYS.sub("_", value)
