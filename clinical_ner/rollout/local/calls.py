"""What callers saw of each version: calls by status and by time. Counted since the service's process began."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends in seconds, those of the model server's own histogram."""
FIRST_FAILURE = 500


@dataclass(slots=True)
class VersionCalls:
    """``seconds`` has one more place than ``BUCKETS``: the rest."""

    statuses: dict[int, int] = field(default_factory=dict)
    seconds: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))

    @property
    def calls(self) -> int:
        return sum(self.statuses.values())

    @property
    def failed(self) -> int:
        """Calls that failed for no fault of the caller: 5xx, which is also what a caller gets whose backend went away."""
        return sum(count for status, count in self.statuses.items() if status >= FIRST_FAILURE)


class CallCounts:
    """Calls by version; those that no version could be asked about are the empty version's."""

    def __init__(self) -> None:
        self._versions: dict[str, VersionCalls] = {}

    def count(self, version: str, status: int, seconds: float) -> None:
        counts = self._versions.setdefault(version, VersionCalls())
        counts.statuses[status] = counts.statuses.get(status, 0) + 1
        counts.seconds[bisect_left(BUCKETS, seconds)] += 1

    def as_json(self) -> dict[str, Any]:
        """``{version: {calls, failed, statuses, seconds: {bounds, counts}}}``."""
        return {
            version: {
                "calls": each.calls,
                "failed": each.failed,
                "statuses": {str(status): count for status, count in sorted(each.statuses.items())},
                "seconds": {"bounds": list(BUCKETS), "counts": list(each.seconds)},
            }
            for version, each in sorted(self._versions.items())
        }
