"""Where counters come from."""

from typing import Protocol

from clinical_ner.rollout.counting.counters import Counters


class MetricsSource(Protocol):
    """Reads what versions have counted."""

    def read(self, version: str) -> Counters:
        """The version's counters at this moment; without processes when none of them is known.

        Raises:
            MetricsUnavailable: they cannot be read at present; the message says from where and why.
        """
        ...
