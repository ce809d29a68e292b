"""What callers saw of each version: calls by status. Counted since the service's process began."""

from dataclasses import dataclass, field
from typing import Any

FIRST_FAILURE = 500


@dataclass(slots=True)
class VersionCalls:
    statuses: dict[int, int] = field(default_factory=dict)

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

    def count(self, version: str, status: int) -> None:
        counts = self._versions.setdefault(version, VersionCalls())
        counts.statuses[status] = counts.statuses.get(status, 0) + 1

    def as_json(self) -> dict[str, Any]:
        """``{version: {calls, failed, statuses}}``."""
        return {
            version: {
                "calls": each.calls,
                "failed": each.failed,
                "statuses": {str(status): count for status, count in sorted(each.statuses.items())},
            }
            for version, each in sorted(self._versions.items())
        }
