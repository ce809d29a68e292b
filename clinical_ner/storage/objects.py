"""One object by its own URI, for parameters that name a file rather than a store."""

from urllib.parse import unquote

from clinical_ner.storage.opening import open_storage


def read_object(uri: str) -> bytes:
    """What lies at ``uri``: a path, ``file:///an/absolute/path``, or ``s3://bucket/key``.

    Raises:
        ConfigError: the URI cannot be used.
        NotFound: there is nothing.
        StorageError: the store failed.
    """
    folder, name = split_uri(uri)
    return open_storage(folder).read(name)


def split_uri(uri: str) -> tuple[str, str]:
    """The store that holds the object of ``uri``, and the object's key there; an object at the root keeps its root."""
    folder, separator, name = uri.rpartition("/")
    if not separator:
        return ".", name
    if not folder or folder.endswith("/"):
        folder += "/"
    return folder, unquote(name) if folder.lower().startswith("file://") else name
