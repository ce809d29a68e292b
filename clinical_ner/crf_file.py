"""One change to a trained CRF: how readily it begins an entity.

Annotated notes are mostly outside of entities, and likelihood training leaves a CRF more precise than complete. The same
amount added to the weight of every transition from O to the beginning of an entity trades one for the other, without
training anew. It is done in the model file, so that every decoder of the file, and its marginals, agree.

The layout is that of CRFsuite 0.12 (``lib/crf/src/crf1d_model.c``): a header of eleven 32-bit words and the magic strings, of
which word 7 is the offset of the features; there a chunk header ("FEAT", size, number), then each feature as type
(0 state, 1 transition), source, target (32 bits each) and weight (64-bit float), little-endian.
"""

import struct

import pycrfsuite

from clinical_ner.errors import ModelFormatError
from clinical_ner.labels import OUTSIDE

_HEADER = struct.Struct("<4sI")  # magic string and size of the file; more follows
_FEATURES_OFFSET = 28
_CHUNK = struct.Struct("<4sII")
_FEATURE = struct.Struct("<IIId")
_TRANSITION = 1


def favour_entities(model: bytes, entity_bias: float) -> bytes:
    """``model``, a file of CRFsuite, with ``entity_bias`` added to the weight of each transition from O to a B- or S- label.

    Raises:
        ModelFormatError: ``model`` is not a whole file of CRFsuite, which ends without an error when the disk is full.
    """
    if len(model) < _HEADER.size or _HEADER.unpack_from(model) != (b"lCRF", len(model)):
        raise ModelFormatError("the trained model is not whole: is the disk of the temporary folder full?")
    names = _label_names(model)
    changed = bytearray(model)
    (offset,) = struct.unpack_from("<I", model, _FEATURES_OFFSET)
    _, _, count = _CHUNK.unpack_from(model, offset)
    for start in range(offset + _CHUNK.size, offset + _CHUNK.size + count * _FEATURE.size, _FEATURE.size):
        kind, source, target, weight = _FEATURE.unpack_from(model, start)
        if kind == _TRANSITION and names[source] == OUTSIDE and names[target].startswith(("B-", "S-")):
            _FEATURE.pack_into(changed, start, kind, source, target, weight + entity_bias)
    return bytes(changed)


def _label_names(model: bytes) -> list[str]:
    """Label names; a label's number is its position."""
    tagger = pycrfsuite.Tagger()
    tagger.open_inmemory(model)
    names: list[str] = tagger.labels()
    return names
