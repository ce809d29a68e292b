"""From what an S3 server or the way to it says, to the library's errors, which say what to do and hold no credentials."""

from xml.etree.ElementTree import ParseError

from minio.error import MinioException, S3Error, ServerError
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError, SSLError

from clinical_ner.errors import NotFound, StorageError

_UNKNOWN_KEY = "the server does not know the access key; correct AWS_ACCESS_KEY_ID"
_ADVICE = {
    "NoSuchBucket": "there is no such bucket; create it, or correct the URI",
    "AccessDenied": "access is denied; the credentials need s3:ListBucket on the bucket and s3:GetObject, s3:PutObject and "
    "s3:DeleteObject on its objects",
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "XAdminUserNotFound": _UNKNOWN_KEY,
    "SignatureDoesNotMatch": "the secret key is wrong; correct AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "the session token has expired; renew AWS_SESSION_TOKEN",
    "InvalidToken": "the session token is not valid; correct AWS_SESSION_TOKEN",
    "AuthorizationHeaderMalformed": "the signature does not suit the server; check the region in CLINICAL_NER_S3_REGION",
    "RequestTimeTooSkewed": "the clocks of this machine and the server differ; set them",
    "NotImplemented": "the server lacks conditional writes, which the registry rests on; use another",
}
# Answered while a conflicting write is going on, or to a client that asks too often.
_TRANSIENT_CODES = {"ConditionalRequestConflict", "OperationAborted", "RequestTimeout", "SlowDown"}


# All that the client raises for what the server or the network does.
S3_FAILURES = (MinioException, HTTPError, ParseError)


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed in a moment: no reply, a server's failure, or another write going on."""
    if isinstance(error, S3Error):
        return error.response.status >= 500 or error.code in _TRANSIENT_CODES
    if isinstance(error, ServerError):
        return error.status_code >= 500
    return isinstance(error, HTTPError) and not isinstance(error, SSLError)


def is_absent(error: Exception) -> bool:
    """Whether the server says that there is no object under the key."""
    return isinstance(error, S3Error) and error.code == "NoSuchKey"


def is_precondition(error: Exception | None) -> bool:
    """Whether the server refused a conditional write because the object is there, is another, or is gone."""
    return isinstance(error, S3Error) and error.code in {"PreconditionFailed", "NoSuchKey"}


def storage_error(error: Exception, *, key: str, bucket: str, host: str) -> StorageError:
    """The error to raise: ``NotFound`` for an absent object, else one naming key, bucket, server, reason and remedy."""
    if is_absent(error):
        return NotFound(f"{key}: no such object")
    return StorageError(f"{key}: bucket {bucket!r} at {host}: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, S3Error):
        return _ADVICE.get(error.code or "", f"the server answered {error.code}")
    if isinstance(error, HTTPError):
        return _network_reason(error)
    return f"{error}" if isinstance(error, ServerError) else "the answer is not one of an S3 server; check the endpoint"


def _network_reason(error: HTTPError) -> str:
    # The network's own words are left out: they repeat the request.
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    if isinstance(reason, SSLError):
        return "no trusted TLS connection; check the endpoint, and CLINICAL_NER_S3_CA_FILE for an authority of your own"
    if isinstance(reason, NewConnectionError | ConnectTimeoutError):
        return "no connection; check that the server runs and that CLINICAL_NER_S3_ENDPOINT or AWS_ENDPOINT_URL is right"
    return f"the connection broke or no answer came in time ({type(reason).__name__}); try again"
