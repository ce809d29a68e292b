"""Where datasets and model versions lie: objects under keys, with create-only and compare-and-swap writes.

:class:`Storage` is the protocol, one module implements it per backend, and one conformance suite holds them all to it.
"""

from clinical_ner.storage.opening import open_storage, path_of
from clinical_ner.storage.protocol import Storage

__all__ = ["Storage", "open_storage", "path_of"]
