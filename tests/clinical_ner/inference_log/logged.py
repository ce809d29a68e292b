"""Files of a log as servers leave them, and reading them back."""

import pyarrow as pa

from clinical_ner.inference_log.parquet import parse_lines, to_objects
from clinical_ner.inference_log.reading import WindowReading, scan_window
from clinical_ner.inference_log.record import InferenceRecord, encode_records
from tests.clinical_ner.inference_log.records import MODEL, WINDOW, SwitchedStorage


def table_of(*records: InferenceRecord) -> pa.Table:
    return parse_lines(encode_records(records), "a test")


def put_records(storage: SwitchedStorage, *records: InferenceRecord) -> list[str]:
    """Write records as the server does; the keys."""
    objects = list(to_objects(table_of(*records)))
    for key, data, _ in objects:
        storage.write(key, data)
    return [item.key for item in objects]


def read(storage: SwitchedStorage, **options: bool) -> WindowReading:
    return scan_window(storage, MODEL, *WINDOW, **options)
