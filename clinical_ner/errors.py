"""The exceptions of this library.

::

    ClinicalNerError
    ├── ConfigError            a parameter or setting is wrong or does not fit another
    ├── DataError              a corpus, document or span is wrong (file, line and field are named)
    │   └── TooLittleData      there is not enough of it for what was asked
    ├── ModelFormatError       a model's files are missing, damaged or of an unknown format
    ├── StorageError           a store cannot be read or written
    │   ├── NotFound           no object under that key
    │   ├── AlreadyExists      a create-only write met an existing object
    │   ├── Conflict           a compare-and-swap write met a newer object
    │   └── SpoolError         the local disk refuses the records of a request that must be logged
    ├── RegistryError          a model version cannot make the requested change of state
    ├── RequestError           an inference request is malformed
    │   ├── UnknownModel       it names a model or version that is not served here
    │   └── RequestTooLarge    it exceeds a limit in bytes or in number of notes
    ├── ModelNotReady          the server has not verified and loaded its model
    ├── PipelineRunError       a pipeline run failed, or could not be submitted
    └── RolloutError           a rollout cannot do what was asked
        ├── TargetUnreachable  what carries the traffic cannot be asked at present
        │   └── ClusterUnreachable  the Kubernetes API does not answer, or refuses to (a StorageError too)
        ├── TargetChanged      a change met a service that is no longer as it was observed
        └── MetricsUnavailable the counters of a version cannot be read at present

No message contains note text, which is protected health information: messages name files, lines, fields, offsets,
limits and labels. Nothing here knows of HTTP or gRPC; ``serving/errors.py`` maps each class to its status codes.
"""


class ClinicalNerError(Exception):
    """Base of every error that this library raises on purpose."""


class ConfigError(ClinicalNerError):
    """A parameter or setting is wrong by itself or in combination with another."""


class DataError(ClinicalNerError):
    """A corpus, document or span breaks its format."""


class TooLittleData(DataError):
    """There are too few documents, spans or labels for what was asked."""


class ModelFormatError(ClinicalNerError):
    """A model's files are missing, damaged, or of a format this version does not read."""


class StorageError(ClinicalNerError):
    """A store cannot be read or written."""


class NotFound(StorageError):
    """There is no object under that key."""


class AlreadyExists(StorageError):
    """A create-only write met an existing object; the object is unchanged."""


class Conflict(StorageError):
    """A compare-and-swap write met an object that changed since it was read; the object is unchanged."""


class SpoolError(StorageError):
    """The local disk refuses the records of a request that must not be answered without them."""


class RegistryError(ClinicalNerError):
    """A model version cannot make the requested change of state."""


class RequestError(ClinicalNerError):
    """An inference request is malformed; the message names the field."""


class UnknownModel(RequestError):
    """An inference request names a model or model version that is not served here."""


class RequestTooLarge(RequestError):
    """An inference request exceeds a limit in bytes or in number of notes."""


class ModelNotReady(ClinicalNerError):
    """The server has not verified and loaded its model yet, or is shutting down."""


class PipelineRunError(ClinicalNerError):
    """A pipeline run failed or could not be submitted."""


class RolloutError(ClinicalNerError):
    """A rollout cannot do what was asked of it."""


class TargetUnreachable(RolloutError):
    """What carries the traffic cannot be asked at present; nothing is known of it."""


class ClusterUnreachable(TargetUnreachable, StorageError):
    """The Kubernetes API does not answer, or whoever asks may not; what it carries and what it stores are unknown alike."""


class TargetChanged(RolloutError):
    """A change met a service that is no longer as it was observed; the service is unchanged."""


class MetricsUnavailable(RolloutError):
    """The counters of a version cannot be read at present."""
