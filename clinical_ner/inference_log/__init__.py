"""What the server answered, one record a note and without its text: from a request to Parquet in a store, and back.

``record`` is a record, ``frames`` its form on disk, ``segments`` and ``spool`` the files that outlive the process, ``shipping``
the thread that sends them as the ``parquet`` files of ``layout``; ``log`` is what a server opens of all that. ``schema``,
``reading`` and ``retention`` are for who comes later.
"""

from clinical_ner.inference_log.record import SCHEMA_VERSION, InferenceRecord

__all__ = ["SCHEMA_VERSION", "InferenceRecord"]
