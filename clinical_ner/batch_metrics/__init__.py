"""What a batch job tells Prometheus: ``series`` holds its gauges, ``publishing`` brings them to a Pushgateway or a textfile,
the other modules make gauges of what a job found. They are numbers and names of columns; no note text is in them.
"""

from clinical_ner.batch_metrics.publishing import check_destination, publish
from clinical_ner.batch_metrics.series import Job, Series

__all__ = ["Job", "Series", "check_destination", "publish"]
