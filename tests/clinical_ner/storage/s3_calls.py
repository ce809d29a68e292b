"""Every call of a store, and what its failure must be like."""

import traceback

import pytest

from clinical_ner.errors import StorageError
from tests.servers.versitygw import SECRET_KEY

NOTE = b"Zebulon Quartermain has gout."
CALLS = {
    "read": lambda storage: storage.read("a/b"),
    "read_versioned": lambda storage: storage.read_versioned("a/b"),
    "create": lambda storage: storage.create("a/b", NOTE),
    "write": lambda storage: storage.write("a/b", NOTE),
    "replace": lambda storage: storage.replace("a/b", NOTE, '"etag"'),
    "delete": lambda storage: storage.delete("a/b"),
    "exists": lambda storage: storage.exists("a/b"),
    "list": lambda storage: storage.list("a/b"),
}


def assert_fails(call, *words, forbidden=()):
    """The call ends in a plain StorageError with all ``words``; no part of its traceback holds a credential."""
    with pytest.raises(StorageError) as caught:
        call()
    assert type(caught.value) is StorageError
    for word in words:
        assert word in str(caught.value)
    told = "".join(traceback.format_exception(caught.value))
    assert not [secret for secret in (SECRET_KEY, NOTE.decode(), *forbidden) if secret in told]
