"""The records of resubmissions."""

from clinical_ner.resubmit.store import RecordStore
from clinical_ner.storage import open_storage
from tests.clinical_ner.resubmit.conftest import NAME


def records(uri):
    return RecordStore(open_storage(uri), NAME).records()
