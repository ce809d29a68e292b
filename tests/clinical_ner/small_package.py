"""A model's package small enough to damage everywhere."""

from clinical_ner.model_package import (
    PAYLOAD,
    build_package,
)


def small_package(**manifest):
    """A package that is whole, though nobody could tag with it."""
    fields = {"name": "clinical-ner", "labels": ("D",), "parameters": {}, "datasets": {}, "library_versions": {}}
    return build_package({path: path.encode() for path in PAYLOAD}, **fields | manifest)


def flipped(data, position):
    """``data`` with one bit changed; ``position`` counts bits."""
    changed = bytearray(data)
    changed[position // 8] ^= 1 << position % 8
    return bytes(changed)
