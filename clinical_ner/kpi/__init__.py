"""Key figures of the whole system, each with its sample and a 95 % interval; ``intervals`` and ``figures`` are pure.

No data is said as such: a figure without a sample has no value, and is never 0.
"""

from clinical_ner.kpi.figures import Figure, changed_share, latency_p95, minutes_per_note, reviewed_f1
from clinical_ner.kpi.lead_time import hours_to_live, lead_times

__all__ = ["Figure", "changed_share", "hours_to_live", "latency_p95", "lead_times", "minutes_per_note", "reviewed_f1"]
