"""Clinical named-entity recognition: everything the pipeline stages and the server share."""

__version__ = "0.1.0"
